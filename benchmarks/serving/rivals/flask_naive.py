"""The service as in tutorials: request.files, Pillow's open and convert, jsonify, a histogram.

The preprocessing, the network and the decision are the service's.
"""

import io

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image
from prometheus_client import Histogram

from benchmarks.serving.rivals.reading import documents, logits
from models.preprocessing import preprocess
from service.images.normalise import normalise

app = Flask(__name__)
SECONDS = Histogram("predict_seconds", "Time to answer a prediction.")


@app.post("/predict")
@SECONDS.time()
def predict() -> Response:
    """Read the digit in the image that is the body, or the form's first file."""
    png = request.files["file"].read() if request.files else request.data
    grey = np.array(Image.open(io.BytesIO(png)).convert("L"))
    image, _ = normalise(grey)
    answers = documents(logits(preprocess(image[None])))
    return jsonify(answers[0])
