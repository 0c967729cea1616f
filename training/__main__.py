"""Run the command line: `python -m training --help`."""

from training.cli.commands import main

if __name__ == "__main__":
    main(prog_name="python -m training")
