"""From the bytes of a PNG to the 28 × 28 image that the network reads.

This room imports NumPy, and Pillow in codec.py alone; it knows nothing of HTTP, settings or metrics. Read it
in the order of the data: codec and png decode; background, line_removal and connected_components separate
the digit from all else; stroke_width makes its strokes as wide as MNIST's; normalise calls all these and
shows the whole way, with bounding_box, morphology and threshold as tools.
"""
