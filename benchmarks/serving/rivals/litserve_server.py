"""LitServe: two workers for the network, and two HTTP servers in front of them.

That is its default. Its other options were slower here: its other queue (fast_queue), and HTTP servers in
threads.

    python -m benchmarks.serving.rivals.litserve_server PORT
"""

import base64
import sys
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from litserve import LitAPI, LitServer

from benchmarks.serving.rivals.reading import read


class Digits(LitAPI):
    """From a request to the answer, in a worker."""

    def setup(self, device: str) -> None:
        """Do nothing: the network is loaded by now."""

    def decode_request(self, request: Request) -> bytes:
        """Return the PNG: base64 in JSON, or a form's file. LitServe has parsed the body by now."""
        fields: Mapping[str, Any] = request
        if "image" in fields:
            return base64.b64decode(fields["image"])
        return bytes(fields["file"].file.read())

    def predict(self, png: bytes) -> dict[str, Any]:
        """Read the digit."""
        return read(png)

    def encode_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Leave the answer as it is: the HTTP server writes it as JSON."""
        return answer


if __name__ == "__main__":
    server = LitServer(Digits(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="error", generate_client_file=False)
