"""Code that makes the training faster and computes nothing new: a reader of the lecture may skip it.

This room may import models/ and data/. Start reading in flat_vector.py and blocks.py, which make the step of
an optimizer fast; feeder.py draws the images of the next epoch in a second process.
"""
