"""The text around the tables of the section in docs/benchmarks.md."""

from collections.abc import Iterable, Mapping

from benchmarks.serving.entries import ENTRIES, Entry
from benchmarks.serving.race import Turn

UNEVEN = 1.5
WHY_UNEVEN = """\
In these servers, the process that wakes first accepts all pending connections, and keeps them. The highest
figures are from runs in which both processes were busy."""
INTRODUCTION = """\
## Speed of serving

This service beside the frameworks that people would use instead. All servers have the same weights, the
same preprocessing of images (`service/images/`), the same fields in the response, and one BLAS thread in
each process; all but MLServer have two processes. All get the same {count} MNIST images, as PNGs of 28 × 28
pixels. `make bench-serving` measures them in one run: all servers are running, and one at a time is loaded,
in alternation. Before the measurement, each server must return the digits that the network reads offline. A
ratio above 1 means that this project answers more. The server with the constant response reads, decodes and
computes nothing: it shows what Flask on gunicorn's `gthread` can do at most."""
CONFIGURATIONS = """\
FastAPI: uvicorn with uvloop and httptools, ONNX Runtime with one thread, `async def`, responses sent
without validation. MLServer takes base64 in V2's JSON, in both tables; it has one process, because its
parallel workers were slower. LitServe takes no raw body: the second table has base64 in JSON. It has two
processes for HTTP and two for the network. BentoML: two workers, `async def`. Flask, as in tutorials:
gunicorn's `gthread`, two workers with four threads, `request.files`, Pillow's `convert`, `jsonify`. Metrics
and request logs are off in the other servers; this project has metrics on and its request log off, except
in the rows that say otherwise. MLServer, LitServe, BentoML and Flask run the network in NumPy, as this
project does. The code of all servers is in `benchmarks/serving/rivals/`."""
LIMITS = """\
What remains to be gained: with one connection, there is nothing to batch. The remaining time is Python's: the
event loop, HTTP and WSGI, which FastAPI's servers have in C (uvloop, httptools), and Flask's dispatch. Pillow
spends more time on its objects for a small PNG than on decoding it; a reader for 28 × 28 pixels alone would
save some of that, equally in every server here. MLServer, LitServe and BentoML decode and preprocess in the
same way, so no Python service that does so can be many times as fast as they are; the constant response shows
the speed without that work."""
CONDITIONS = """\
Medians of {rounds} rounds, {seconds:g} s a run; the ratio is taken within each round. wrk generates the
load, on the same cores: `wrk -t1 -c CONNECTIONS -d SECONDS -s SCRIPT`. CPU is the processor time of all the
server's processes, with 8 connections and more. Memory is theirs after the load, shared pages counted once.
The first response is the one to a prediction, timed from the start of the process; median of three starts.
Busier ÷ other compares the processor time of the two processes that answer, with 8 connections and more.
On {machine}. {versions}.
Every run: [serving.csv](benchmarks/serving.csv), [serving-servers.csv](benchmarks/serving-servers.csv)."""


def observability(metrics: float, both: float) -> str:
    """Describe the cost of metrics and of the request log, from the speed without them over that with them.

    >>> observability(1.05, 1.25)
    'Metrics cost this project 5 % of its requests/s; metrics and a log line for each request cost 20 %.'
    """
    if metrics != metrics or both != both:  # noqa: PLR0124 - NaN alone differs from itself
        return "The cost of metrics and of the request log was not measured."
    alone, logged = (f"{100 * (1 - 1 / more):.0f} %" for more in (metrics, both))
    more = f"metrics and a log line for each request cost {logged}"
    return f"Metrics cost this project {alone} of its requests/s; {more}."


def unevenness(spreads: Mapping[str, float]) -> str:
    """Name the servers whose two processes did not share the work evenly.

    >>> unevenness({"ours": 1.02, "naive": 1.8})
    'One process worked much more than the other in most runs of: Flask, as in tutorials (1.8 times). ...'
    """
    uneven = [
        f"{ENTRIES[name].label} ({spread:.1f} times)" for name, spread in spreads.items() if spread > UNEVEN
    ]
    if not uneven:
        return f"In every pair, the busier process worked at most {UNEVEN} times as much (median)."
    return f"One process worked much more than the other in most runs of: {', '.join(uneven)}. {WHY_UNEVEN}"


def faults(entries: Mapping[str, Entry], turns: Iterable[Turn]) -> str:
    """Name the servers that refused requests or broke connections."""
    refused: dict[str, int] = {}
    broken: dict[str, int] = {}
    for turn in turns:
        refused[turn.server] = refused.get(turn.server, 0) + turn.load.refused
        broken[turn.server] = broken.get(turn.server, 0) + turn.load.socket_errors
    found = [
        f"{entries[name].label}: {refused[name]} error responses, {broken[name]} socket errors"
        for name in refused
        if refused[name] or broken[name]
    ]
    return f"{'; '.join(found)}." if found else "No request was refused, and no connection failed."
