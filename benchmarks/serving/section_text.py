"""What the page's section says around its tables."""

from collections.abc import Iterable, Mapping

from benchmarks.serving.entries import ENTRIES, Entry
from benchmarks.serving.race import Turn

UNEVEN = 1.5
WHY_UNEVEN = """\
There, whichever process wakes first takes all connections that are waiting, and keeps them. The highest
figures are of runs in which both were busy."""
INTRODUCTION = """\
## Speed of serving

The service beside the frameworks that people would use instead: the same weights, the same preparation of
images (`service.images`, `service.normalise`), the same fields in the answer, the same {count} MNIST images
as PNGs of 28 × 28 pixels, two processes and one BLAS thread in each. What differs is everything around that.
`make bench-serving` measures them in one run: all alive, one at a time at work, in turn. Before that, each
must read the digits that the network reads offline. A ratio above 1 says that this project answers more. The
constant answer reads, decodes and computes nothing: it is the floor of any service on Flask and gunicorn's
`gthread`."""
MAKINGS = """\
FastAPI: uvicorn with uvloop and httptools, ONNX Runtime with one thread, `async def`, answers sent without
validation. MLServer takes base64 in V2's JSON, in both tables; it has one process, for its parallel workers
were slower. LitServe takes no raw body: in that table it has base64 in JSON. It has two processes for HTTP
and two for the network. BentoML: two workers, `async def`. The servers' own metrics and log lines for each
request are off; so are this project's log lines, but for one row, while its metrics are on, but for another.
Flask as tutorials do: gunicorn's `gthread`, two workers
with four threads, `request.files`, Pillow's `convert`, `jsonify`. All stand in `benchmarks/serving/rivals/`.
MLServer, LitServe, BentoML and Flask run the network in NumPy, as this project does."""
GAINS = """\
What would still be gained: with one connection there is nothing to put together, and what remains is Python:
the loop, HTTP and WSGI, for which FastAPI's servers have C (uvloop, httptools), and Flask's own way from a
request to a view. The metrics' share stands above. Pillow spends more on the objects around a small PNG than
on decoding it; a reader for 28 × 28 alone would save some of that, to every server here alike. MLServer,
LitServe and BentoML do the same reading, so that no service in Python that does it, too, can be many times as
fast as they are; the constant answer shows how fast it could be without."""
CONDITIONS = """\
Medians of {rounds} rounds, {seconds:g} s a run; the ratio is taken within each round. The load comes from
wrk, on the same cores: `wrk -t1 -c CONNECTIONS -d SECONDS --latency -s SCRIPT`. CPU is the processor time of
all the server's processes, with 8 connections and more. Memory is theirs after the load, what they share
counted once. The first answer is that to a prediction, from the start of the process; the median of three
starts. Busier ÷ other compares the processor time of the two processes that answer, with 8 connections and
more. On {machine}. {versions}.
Every run: [serving.csv](benchmarks/serving.csv), [serving-servers.csv](benchmarks/serving-servers.csv)."""


def watching(metrics: float, both: float) -> str:
    """Say what it costs to watch the service, from how much more it answers without.

    >>> watching(1.05, 1.25)
    'To be watched costs this project 5 % of its requests/s with metrics, 20 % with a log line each, too.'
    """
    if metrics != metrics or both != both:  # noqa: PLR0124 - NaN alone differs from itself
        return "What it costs to watch this project was not measured."
    alone, logged = (f"{100 * (1 - 1 / more):.0f} %" for more in (metrics, both))
    cost = f"{alone} of its requests/s with metrics, {logged} with a log line each, too"
    return f"To be watched costs this project {cost}."


def unevenness(spreads: Mapping[str, float]) -> str:
    """Say whose two processes did not share the work.

    >>> unevenness({"ours": 1.02, "naive": 1.8})
    'One process worked much more than the other in most runs of: Flask, as tutorials do (1.8 times). ...'
    """
    uneven = [
        f"{ENTRIES[name].label} ({spread:.1f} times)" for name, spread in spreads.items() if spread > UNEVEN
    ]
    if not uneven:
        return (
            f"No server's busier process worked more than {UNEVEN} times as much as the other, by the median."
        )
    return f"One process worked much more than the other in most runs of: {', '.join(uneven)}. {WHY_UNEVEN}"


def faults(entries: Mapping[str, Entry], turns: Iterable[Turn]) -> str:
    """Say which servers refused requests or broke connections."""
    refused: dict[str, int] = {}
    broken: dict[str, int] = {}
    for turn in turns:
        refused[turn.server] = refused.get(turn.server, 0) + turn.load.refused
        broken[turn.server] = broken.get(turn.server, 0) + turn.load.socket_errors
    told = [
        f"{entries[name].label}: {refused[name]} answers that were errors, {broken[name]} socket errors"
        for name in refused
        if refused[name] or broken[name]
    ]
    return f"{'; '.join(told)}." if told else "No request was refused, and no connection was broken off."
