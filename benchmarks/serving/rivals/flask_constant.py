"""Flask's floor: the same answer to everyone, with nothing read, decoded or computed."""

from flask import Flask, Response

app = Flask(__name__)
ANSWER = '{"digit": 7}'


@app.post("/predict")
def predict() -> Response:
    """Answer 7."""
    return Response(ANSWER, content_type="application/json")
