"""From the bytes of a PNG to the 28 × 28 image that the network reads.

It may import NumPy, and Pillow in codec.py alone; it knows nothing of HTTP, settings or metrics.
Start reading with codec and png, which decode; then, in the order of the data: background, line_removal and
connected_components separate the digit from all else; stroke_width makes its strokes as wide as MNIST's; ink
says how strong ink is, and where; normalise calls all these and shows the whole way.
"""
