"""What a trained network is worth: figures on the test set, calibration, report, model card, overfitting.

This room may import the lecture (the files at the top of training/), data/ and models/, but not cli/.
Start reading in evaluate.py; report.py and model_card.py show its figures.
"""
