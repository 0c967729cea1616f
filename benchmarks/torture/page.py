"""docs/reliability.md, written from the reports in docs/reliability/."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.torture.plot import draw
from benchmarks.torture.sampling import Sample, read

Document = dict[str, Any]
COUNTS = ("requests", "correct", "cut_off", "lost")

INTRODUCTION = """\
# Reliability

Load, faults and restarts that the service was subjected to, and how each request ended. `make torture`
runs all of it again in an hour and a half, and writes this page (`make torture SOAK=60 LOAD=20 FAULTS=4`
takes four minutes); it needs Linux, root and nginx. Every test run does the same for a few seconds
([test_faults.py](../tests/service/test_faults.py)). The service runs as in production, with two workers. The
client runs on the same cores; it counts every request and checks every response.

**{requests:,} requests, {lost} lost.** {correct:,} were answered correctly; {cut_off:,} were cut off, nearly
all because their worker was killed.{verdict}

| scenario | duration | requests | answered correctly | cut off | lost |
| --- | ---: | ---: | ---: | ---: | ---: |
{rows}

- **Answered correctly**: with the expected status and, if that is 200, with the digit that the network reads
  offline. Under overload, 503 with `Retry-After` is correct. Any other 5xx status is wrong.
- **Cut off**: the connection ended before the response. A worker that is killed (SIGKILL) cuts off at most
  one request of each of its connections. A worker that stops can cut off a connection that is opened while
  it closes its listening socket. Clients can safely repeat a prediction: it changes nothing.
- **Lost**: everything else. A wrong response, no response within 30 s, or a connection that ended although no
  worker was killed.
"""
ALL_WELL = " No response had a 5xx status other than 503."
FINDINGS = " **Some scenarios have findings: see below.**"
RESULTS = """
## Results

[load.py](../benchmarks/torture/load.py), [restarts.py](../benchmarks/torture/restarts.py) and
[faults.py](../benchmarks/torture/faults.py) define the scenarios. Overload is sent in forms of many images,
which cost the client little and the service much; with single images, the client would need most of the
cores. The capacity is the rate at which 16 connections are answered. The clock jumps, and the failures to
start a process or a thread, are injected into the service's Python; full pipes, full disks, limits and
signals are the operating system's own.

{rows}

The container test ([test_image.py](../tests/container/test_image.py)) covers a worker that the kernel kills
because memory is exhausted.
"""
LIMITS = """
## Known limits

- A worker that is killed cuts off the requests that it is answering. nginx, configured as in
  [deploy/nginx](../deploy/nginx/digits.conf), repeats them on another instance.
- A worker that stops cuts off connections that are opened between its last `accept()` and the close of its
  listening socket. There are none behind a load balancer that has stopped sending requests
  (`DIGITS_DRAIN_SECONDS`), and a load balancer that retries repeats them elsewhere.
- gunicorn measures the 30 s that a stop may take with the wall clock: setting the clock ahead during a stop
  shortens them. Everything else uses the monotonic clock.
- A worker that has exited is replaced only when an inode for its heartbeat, a process and its threads are
  available; gunicorn tries again every second, and the other workers continue.
"""
SOAK = """
## Mixed traffic

{requests:,} requests in {minutes:.0f} minutes, of {kinds} kinds: drawings, photos and forms of up to 100
files; truncated PNGs, blank images, other media types and malformed forms; malformed HTTP, conflicting
lengths and heads of 40 kB; clients that take two seconds to send a request; probes, pages and scrapes.
{bad:,} were correctly refused (4xx). Raw: [soak.csv](reliability/soak.csv), a line every ten seconds.

![Memory, descriptors, threads and responses a second over time](images/reliability.png)

The trend compares the median of the second half with that of the first; the first tenth is left out. Shared
memory becomes private as processes write to its pages. So the first row may approach the second, which is its
upper bound.

| used by all processes | maximum | trend |
| --- | ---: | ---: |
{rows}
"""
FUZZ = """
## Fuzzing

Inputs that a fuzzer generated against the parsers of requests and images (`make fuzz`).
Raw: [fuzz.csv](fuzz.csv).

| target | inputs | seconds | findings |
| --- | ---: | ---: | ---: |
{rows}
"""
RUNS = """
## Runs

| scenario | date | commit | machine | other load on the machine |
| --- | --- | --- | --- | --- |
{rows}

Raw: a `.json` for each scenario, and a `.csv` for those with samples, in [reliability/](reliability).
"""
TREND = {
    "pss_mb": "memory, shared pages counted once, MB",
    "rss_mb": "memory, shared pages counted in each process, MB",
    "descriptors": "file descriptors",
    "threads": "threads",
    "files": "files left behind",
}


def write_page(docs: Path, order: Sequence[str]) -> None:
    """Write the page from the reports that exist, in this order."""
    folder = docs / "reliability"
    paths = [folder / f"{name}.json" for name in order]
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()}
    page = _summary([*documents.values()])
    if soak := documents.get("soak"):
        samples = read(folder / "soak.csv")
        (docs / "images").mkdir(exist_ok=True)
        draw(samples, docs / "images" / "reliability.png")
        page += _soak(soak, samples)
    page += RESULTS.format(rows="\n".join(map(_result, documents.values())))
    fuzz = docs / "fuzz.csv"
    if fuzz.exists():
        page += FUZZ.format(rows="\n".join(_fuzzed(fuzz)))
    page += LIMITS
    page += RUNS.format(rows="\n".join(_run(document) for document in documents.values()))
    (docs / "reliability.md").write_text(page, encoding="utf-8")


def _summary(documents: Sequence[Document]) -> str:
    sums = {key: sum(document[key] for document in documents) for key in COUNTS}
    rows = [
        _row(
            document["name"],
            f"{document['seconds']:g} s",
            *(f"{document[key]:,}" for key in COUNTS),
        )
        for document in documents
    ]
    verdict = FINDINGS if any(document["findings"] for document in documents) else ALL_WELL
    return INTRODUCTION.format(**sums, verdict=verdict, rows="\n".join(rows))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _result(document: Document) -> str:
    """Return a line for a scenario: its figures and findings."""
    figures = [
        f"{name} {_number(value)}"
        for name, value in document["figures"].items()
        if name.split(",")[0] not in TREND
    ]
    findings = [f"**finding: {finding}**" for finding in document["findings"]]
    return f"- {document['name']}: {'; '.join(figures + findings) or 'no findings'}."


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,g}"


def _soak(document: Document, samples: Sequence[Sample]) -> str:
    figures, last = document["figures"], samples[-1]
    rows = [
        _row(text, f"{figures[f'{name}, most']:g}", figures[f"{name}, growth"])
        for name, text in TREND.items()
        if f"{name}, most" in figures
    ]
    return SOAK.format(
        requests=document["requests"],
        minutes=document["seconds"] / 60,
        kinds=figures["kinds"],
        bad=last.answered - last.ok - last.rejected - last.other_5xx,
        rows="\n".join(rows),
    )


def _fuzzed(path: Path) -> Iterable[str]:
    """Return a row for each target, summed over its runs."""
    targets: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sums = targets.setdefault(row["target"], [0.0, 0.0, 0.0])
            for at, name in enumerate(("executions", "seconds", "findings")):
                sums[at] += float(row[name])
    return [_row(target, *(f"{number:,.0f}" for number in sums)) for target, sums in targets.items()]


def _run(document: Document) -> str:
    run = document["run"]
    return _row(document["name"], run["date"], f"`{run['commit']}`", run["machine"], run["also_running"])
