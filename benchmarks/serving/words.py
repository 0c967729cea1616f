"""The text around the tables of the page's section."""

from collections.abc import Iterable, Mapping

from benchmarks.serving.contestants import ENTRIES
from benchmarks.serving.driver import Turn

UNEVEN = 1.5
WHY_UNEVEN = """\
In these servers, the process that wakes first takes all pending connections and keeps them. The highest
figures come from runs in which both processes were busy."""
INTRODUCTION = """\
## Speed of serving

How fast is the service, compared with the frameworks that people would use instead? All servers use the
same weights, the same image processing (`service.images`), the same fields in the answer, the same {count}
MNIST images as PNGs of 28 × 28 pixels, and two processes with one BLAS thread each. Everything else
differs. `make bench-serving` measures all of them in one run. All servers stay alive, and one at a time
gets load, in turn. Before the race, each server must read the digits that the network reads offline. A
ratio above 1 means that this project answers more requests. "Flask, a constant answer" reads, decodes and
computes nothing. It shows the most that a service on Flask and gunicorn's `gthread` can reach."""
MAKINGS = """\
The servers, whose code is in `benchmarks/serving/rivals/`:

- FastAPI: uvicorn with uvloop and httptools, ONNX Runtime with one thread, `async def`, answers sent
  without validation.
- MLServer: base64 in V2's JSON, in both tables. It runs one process, because its parallel workers were
  slower.
- LitServe: two processes for HTTP and two for the network. It accepts no raw body, so the table of raw
  bodies has base64 in JSON.
- BentoML: two workers, `async def`.
- Flask, as tutorials do: gunicorn's `gthread`, two workers with four threads, `request.files`, Pillow's
  `convert`, `jsonify`.

MLServer, LitServe, BentoML and Flask run the network in NumPy, as this project does. Metrics and request
logs of the other servers are off. This project's metrics are on, except in the row "without metrics", and
its request log is off, except in the row "each request logged"."""
GAINS = """\
Where more speed could come from: with one connection there are no requests to batch, and the remaining time
is Python code: the event loop, HTTP and WSGI, which FastAPI's servers have in C (uvloop, httptools), and
Flask's dispatch. Pillow spends more time on its objects around a small PNG than on decoding it. A reader
for 28 × 28 alone would save some of that, for every server here. MLServer, LitServe and BentoML decode the
same images, so no Python service that decodes them can be many times as fast. The constant answer shows the
speed without decoding."""
CONDITIONS = """\
All figures are medians of {rounds} rounds with {seconds:g} s per run; ratios are taken within each round.
The load comes from wrk, on the same cores: `wrk -t1 -c CONNECTIONS -d SECONDS --latency -s SCRIPT`. CPU is
the processor time of all processes of the server, with 8 connections and more. Memory is that of the same
processes after the load, with shared pages counted once. "First answer after" is the time from the start of
the process to the first prediction, as the median of three starts. "Busier ÷ other" compares the processor
time of the two processes that answer, with 8 connections and more. Machine: {machine}. Versions:
{versions}. Every run: [serving.csv](benchmarks/serving.csv),
[serving-servers.csv](benchmarks/serving-servers.csv)."""


def watching(metrics: float, both: float) -> str:
    """State the cost of metrics and of the request log, from how much more is answered without them.

    >>> watching(1.05, 1.25)
    'Metrics cost this project 5 % of its requests/s. Metrics and a log line per request cost 20 %.'
    """
    if metrics != metrics or both != both:  # noqa: PLR0124 - NaN alone differs from itself
        return "The cost of metrics and of the request log was not measured."
    alone, logged = (f"{100 * (1 - 1 / more):.0f} %" for more in (metrics, both))
    cost = f"Metrics cost this project {alone} of its requests/s"
    return f"{cost}. Metrics and a log line per request cost {logged}."


def unevenness(spreads: Mapping[str, float]) -> str:
    """Name the servers whose two processes shared the work unevenly.

    >>> unevenness({"ours": 1.02, "naive": 1.8})
    'In most runs, one process worked much more than the other in: Flask, as tutorials do (1.8 times). ...'
    """
    uneven = [
        f"{ENTRIES[name].label} ({spread:.1f} times)" for name, spread in spreads.items() if spread > UNEVEN
    ]
    if not uneven:
        return (
            f"In the median run, no server's busier process used more than {UNEVEN} times "
            "the processor time of the other."
        )
    return f"In most runs, one process worked much more than the other in: {', '.join(uneven)}. {WHY_UNEVEN}"


def faults(turns: Iterable[Turn]) -> str:
    """Name the servers that refused requests or broke connections."""
    refused: dict[str, int] = {}
    broken: dict[str, int] = {}
    for turn in turns:
        refused[turn.server] = refused.get(turn.server, 0) + turn.load.refused
        broken[turn.server] = broken.get(turn.server, 0) + turn.load.socket_errors
    told = [
        f"{ENTRIES[name].label}: {refused[name]} error answers, {broken[name]} socket errors"
        for name in refused
        if refused[name] or broken[name]
    ]
    return f"{'; '.join(told)}." if told else "No request was refused, and no connection broke."
