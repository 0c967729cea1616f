"""MLServer, with a custom runtime: the PNG comes as base64 in V2's JSON, and each field is a V2 output.

Its settings are in mlserver/: no debug mode (which logs each request), no compression, no metrics, and no
parallel workers. With two of these, it answers 40 % fewer requests than without.
"""

import base64
from typing import Any

from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from benchmarks.serving.rivals.reading import read

DATATYPES = {
    "digit": "INT64",
    "confidence": "FP32",
    "probabilities": "FP32",
    "prediction_set": "INT64",
    "abstained": "BOOL",
}


class Digits(MLModel):
    """Runs the network, which the shared module has loaded."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Read the digit in the request's only input."""
        answer = read(base64.b64decode(payload.inputs[0].data[0]))
        outputs = [output(name, answer[name]) for name in DATATYPES]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def output(name: str, value: Any) -> ResponseOutput:  # noqa: ANN401 - JSON's own kinds
    """Return one field as an output of V2."""
    data = value if isinstance(value, list) else [value]
    return ResponseOutput(name=name, shape=[len(data)], datatype=DATATYPES[name], data=data)
