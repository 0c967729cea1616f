"""docs/reliability.md: what the service was put through, written from the reports in the folder beside it."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.torture.plot import draw
from benchmarks.torture.watch import Sample, read

Document = dict[str, Any]

WORDS = """\
# Reliability

What the service was put through, and what became of it. `make torture` does it all again in an hour and a
half, and writes this page (`make torture SOAK=60 LOAD=20 FAULTS=4` in four minutes); it takes Linux, root
and nginx. Every run of the tests does the same for seconds
([test_faults.py](../tests/service/test_faults.py)). The service is the real one, with two workers; the
client, which counts every request and checks every answer, takes its share of the same cores.

**{asked:,} requests, {lost} lost.** {right:,} were answered right; {broken:,} were cut off, nearly all
because the worker that had them was killed.{otherwise}

| what | for | requests | answered right | cut off | lost |
| --- | ---: | ---: | ---: | ---: | ---: |
{rows}

- **Answered right**: with the status that is due and, where that is 200, with the digit that the network
  reads offline. Where more is asked than can be answered, 503 with `Retry-After` is right. Any other 5xx
  is wrong.
- **Cut off**: a worker was killed (SIGKILL) and took its requests with it, at most one for each
  connection; or, when the service stops, a client connected in the very moment in which the door was shut.
  Who is not told what became of a prediction may ask again: it changes nothing.
- **Lost**: all else. A wrong answer, none within 30 s, a connection that broke though nobody was killed.
"""
WELL = " No answer was a 5xx but 503."
NOT_WELL = " **Not all is well: see below.**"
FOUND = """
## What was found

What each does is said where it is done: [load](../benchmarks/torture/load.py),
[ends](../benchmarks/torture/ends.py), [faults](../benchmarks/torture/faults.py). Overload is in forms of
many images, which cost the client little and the service much: with single images, the client's share of the
cores would bound how much is asked. Capacity is what 16 connections get.
The clock that jumps and the want of processes and threads are made in the service's Python; full pipes, full
disks, limits and signals are the system's own.

{rows}

A worker that the system ends for want of memory is one of the tests of the image
([test_image.py](../tests/container/test_image.py)), for it takes a container.
"""
LIMITS = """
## What it does not stand

- A worker that is killed takes the requests with it that it was answering. Behind nginx as in
  [deploy/nginx](../deploy/nginx/digits.conf) they are asked again elsewhere.
- A stop cuts off who connects in the instant between a worker's last look at who waits and the end of its
  socket. Where a load balancer sends nobody any more (`DIGITS_DRAIN_SECONDS`), or asks again elsewhere, there
  is no such client.
- gunicorn counts the 30 s that a stop may take by the wall's clock: set ahead in just that time, it cuts them
  short. All else is counted by a clock that nobody sets.
- Without a free inode for its heartbeat, a process or a thread, a worker that ended is replaced only
  when there is one again; gunicorn tries again every second, and the others go on.
"""
SOAK = """
## Mixed traffic

{asked:,} requests in {minutes:.0f} minutes, of {kinds} kinds: drawings, photos, forms of up to 100 files;
PNGs that are cut, blank images, other types, broken forms; what is no HTTP, two lengths, heads of 40 kB;
clients that take two seconds to send a request; probes, pages, scrapes. {bad:,} were refused (4xx), as is
due. Raw: [soak.csv](reliability/soak.csv), a line every ten seconds.

![Memory, descriptors, threads and answers a second over the time](images/reliability.png)

The trend is the median of the second half against that of the first; the first tenth is left out. What is
shared is shared less as time goes by, for a page that a process writes to becomes its own: so the first line
may come nearer to the second, which bounds it.

| what all processes use | most | trend |
| --- | ---: | ---: |
{rows}
"""
FUZZ = """
## Fuzzing

What was made up to break what reads requests and images (`make fuzz`). Raw: [fuzz.csv](fuzz.csv).

| target | inputs | seconds | findings |
| --- | ---: | ---: | ---: |
{rows}
"""
RUNS = """
## The runs

| what | date | commit | machine | beside |
| --- | --- | --- | --- | --- |
{rows}

Raw: for each a `.json`, and a `.csv` where something was sampled, in [reliability/](reliability).
"""
TREND = {
    "pss_mb": "memory, what processes share counted once, MB",
    "rss_mb": "memory, counted in each process, MB",
    "descriptors": "descriptors",
    "threads": "threads",
    "files": "files that it left behind",
}


def write_page(docs: Path, order: Sequence[str]) -> None:
    """Write the page from the reports that are there, in this order."""
    folder = docs / "reliability"
    paths = [folder / f"{name}.json" for name in order]
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()}
    page = _summary([*documents.values()])
    if soak := documents.get("soak"):
        samples = read(folder / "soak.csv")
        (docs / "images").mkdir(exist_ok=True)
        draw(samples, docs / "images" / "reliability.png")
        page += _soak(soak, samples)
    page += FOUND.format(rows="\n".join(map(_found, documents.values())))
    fuzz = docs / "fuzz.csv"
    if fuzz.exists():
        page += FUZZ.format(rows="\n".join(_fuzzed(fuzz)))
    page += LIMITS
    page += RUNS.format(rows="\n".join(_run(document) for document in documents.values()))
    (docs / "reliability.md").write_text(page, encoding="utf-8")


def _summary(documents: Sequence[Document]) -> str:
    sums = {key: sum(document[key] for document in documents) for key in ("asked", "right", "broken", "lost")}
    rows = [
        _row(
            document["name"],
            f"{document['seconds']:g} s",
            *(f"{document[key]:,}" for key in ("asked", "right", "broken", "lost")),
        )
        for document in documents
    ]
    otherwise = NOT_WELL if any(document["findings"] for document in documents) else WELL
    return WORDS.format(**sums, otherwise=otherwise, rows="\n".join(rows))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _found(document: Document) -> str:
    """Return a line for a scenario: its figures, and what was not as it should be."""
    figures = [
        f"{name} {_number(value)}"
        for name, value in document["figures"].items()
        if name.split(",")[0] not in TREND
    ]
    findings = [f"**not well: {finding}**" for finding in document["findings"]]
    return f"- {document['name']}: {'; '.join(figures + findings) or 'as it should be'}."


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
        asked=document["asked"],
        minutes=document["seconds"] / 60,
        kinds=figures["kinds"],
        bad=last.answered - last.ok - last.turned_away - last.other_5xx,
        rows="\n".join(rows),
    )


def _fuzzed(path: Path) -> Iterable[str]:
    """Yield a row for each target, all its days added up."""
    targets: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sums = targets.setdefault(row["target"], [0.0, 0.0, 0.0])
            for at, name in enumerate(("executions", "seconds", "findings")):
                sums[at] += float(row[name])
    return [_row(target, *(f"{number:,.0f}" for number in sums)) for target, sums in targets.items()]


def _run(document: Document) -> str:
    run = document["run"]
    return _row(document["name"], run["date"], f"`{run['commit']}`", run["machine"], run["beside"])
