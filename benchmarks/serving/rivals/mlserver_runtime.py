"""MLServer, with a custom runtime: the PNG comes as base64 in V2's JSON, and each field is a V2 output.

Its settings stand in mlserver/: no debug mode (which writes a line for each request), no compression, no
metrics, and no parallel workers. Two of these answer two fifths fewer requests than the server by itself.
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
    """The network, which the shared module has loaded by now."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Read the digit in the request's only input."""
        answer = read(base64.b64decode(payload.inputs[0].data[0]))
        outputs = [output(name, answer[name]) for name in DATATYPES]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def output(name: str, value: Any) -> ResponseOutput:  # noqa: ANN401 - JSON's own kinds
    """Say one field in V2's words."""
    data = value if isinstance(value, list) else [value]
    return ResponseOutput(name=name, shape=[len(data)], datatype=DATATYPES[name], data=data)
