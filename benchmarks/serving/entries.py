"""The servers that are measured: how each is started, in which environment, and which requests it takes.

All have the same network, the same preprocessing of images, the same fields in the response, and one BLAS
thread in each process. All have two processes, except MLServer, which is faster with one: it sends each
request to its parallel workers through a queue, which costs more here than a second core gains.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
RIVALS = "benchmarks.serving.rivals"
FORMS = ("multipart", "raw")
CONNECTIONS = (1, 8, 32)
BATCH_CONNECTIONS = (1, 4, 8)
WORKERS = 2
GUNICORN = (
    *("python", "-m", "gunicorn", "--no-control-socket", "--bind", "127.0.0.1:{port}"),
    *("--workers", str(WORKERS), "--worker-class", "gthread", "--threads", "4"),
)
UVICORN = (
    *("python", "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", str(WORKERS)),
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
)


# A form of request, and the number of connections that send it.
Cell = tuple[str, int]


class Takes(NamedTuple):
    """How a server takes a form: the encoding (of payloads.ENCODINGS, or batch), the path, further fields."""

    encoding: str
    path: str
    fields: Mapping[str, str] = {}


class Entry(NamedTuple):
    """A server, and how it is started.

    label             its name in tables
    environment       its Python environment under .venv
    command           its command; {port}, {port2} and {folder} (to write to) are filled in, in variables too
    takes             by form, the encoding and path that it takes
    packages          the packages whose versions are listed
    answers_digits    False if its response is always the same
    pair              whether two processes of the same kind take the requests, so that their load is compared
    """

    label: str
    environment: str
    command: tuple[str, ...]
    takes: Mapping[str, Takes]
    packages: tuple[str, ...]
    variables: Mapping[str, str] = {}
    answers_digits: bool = True
    pair: bool = False


SAME_PATH = {form: Takes(form, "/predict") for form in FORMS}

OURS = ("python", "-m", "gunicorn", "--config", "service/gunicorn.conf.py")
OUR_PACKAGES = ("flask", "gunicorn", "numpy", "pillow")
OUR_SETTINGS = {
    "DIGITS_HOST": "127.0.0.1",
    "DIGITS_PORT": "{port}",
    "DIGITS_WORKERS": str(WORKERS),
    "DIGITS_LOG_REQUESTS": "no",
}

ENTRIES = {
    "ours": Entry(
        "this project",
        "serve",
        OURS,
        SAME_PATH | {"batch": Takes("batch", "/predict")},
        OUR_PACKAGES,
        OUR_SETTINGS,
        pair=True,
    ),
    "logged": Entry(
        "this project, with a request log",
        "serve",
        OURS,
        {"raw": Takes("raw", "/predict")},
        OUR_PACKAGES,
        OUR_SETTINGS | {"DIGITS_LOG_REQUESTS": "yes"},
        pair=True,
    ),
    "bare": Entry(
        "this project, without metrics",
        "serve",
        (*OURS, f"{RIVALS}.ours_bare:app"),
        {"raw": Takes("raw", "/predict")},
        OUR_PACKAGES,
        OUR_SETTINGS,
        pair=True,
    ),
    "constant": Entry(
        "Flask, constant response",
        "serve",
        (*GUNICORN, f"{RIVALS}.flask_constant:app"),
        SAME_PATH,
        ("flask", "gunicorn"),
        answers_digits=False,
        pair=True,
    ),
    "naive": Entry(
        "Flask, as in tutorials",
        "serve",
        (*GUNICORN, f"{RIVALS}.flask_naive:app"),
        SAME_PATH,
        ("flask", "gunicorn", "numpy", "pillow"),
        pair=True,
    ),
    "fastapi": Entry(
        "FastAPI, ONNX Runtime",
        "bench-serving/fastapi",
        (*UVICORN, f"{RIVALS}.fastapi_onnx:app"),
        {
            "multipart": Takes("multipart", "/predict"),
            "raw": Takes("raw", "/raw"),
            "batch": Takes("batch", "/batch"),
        },
        ("fastapi", "uvicorn", "uvloop", "onnxruntime"),
        pair=True,
    ),
    "mlserver": Entry(
        "MLServer",
        "bench-serving/mlserver",
        ("mlserver", "start", "benchmarks/serving/rivals/mlserver"),
        dict.fromkeys(FORMS, Takes("v2", "/v2/models/digits/infer")),
        ("mlserver",),
        {"MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "{port2}"},
    ),
    "litserve": Entry(
        "LitServe",
        "bench-serving/litserve",
        ("python", "-m", f"{RIVALS}.litserve_server", "{port}"),
        {"multipart": Takes("multipart", "/predict"), "raw": Takes("json", "/predict")},
        ("litserve",),
    ),
    "bentoml": Entry(
        "BentoML",
        "bench-serving/bentoml",
        ("bentoml", "serve", f"{RIVALS}.bentoml_service:Digits", "--host", "127.0.0.1", "--port", "{port}"),
        {"multipart": Takes("multipart", "/predict"), "raw": Takes("raw", "/raw")},
        ("bentoml",),
        {"BENTOML_HOME": "{folder}", "BENTOML_DO_NOT_TRACK": "True"},
        pair=True,
    ),
}


def all_cells() -> list[Cell]:
    """Return all cells that are measured, in order."""
    single = [(form, connections) for form in FORMS for connections in CONNECTIONS]
    return single + [("batch", connections) for connections in BATCH_CONNECTIONS]
