"""The command line, `python -m training`: commands, their options, progress, and the file that ships.

This room may import every other room of training/, and none of them imports it. Start reading in commands.py;
fit_command.py is the one that trains.
"""
