"""BentoML: a service with two workers, without request log and metrics.

The methods are `async def` and compute in the event loop: at these sizes, that is faster than a thread for
each request. BentoML writes an uploaded file to disk and passes its path: it accepts only text as bytes.
"""

from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from benchmarks.serving.rivals.reading import read

PNG = ContentType("image/png")


@bentoml.service(workers=2, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Digits:
    """The network, which the shared module has loaded by now."""

    @bentoml.api
    async def predict(self, file: Annotated[Path, PNG]) -> dict[str, Any]:
        """Read the digit in a form's file."""
        return read(file.read_bytes())

    @bentoml.api
    async def raw(self, image: Annotated[bytes, PNG], /) -> dict[str, Any]:
        """Read the digit in the image that is the body."""
        return read(image)
