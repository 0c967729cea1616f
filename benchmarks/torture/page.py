"""Write docs/reliability.md from the reports in docs/reliability/."""

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

What happens to the service under overload, when workers are killed, and when the system around it fails?
`make torture` runs every test on this page and writes the page. It takes an hour and a half, or four
minutes with `make torture SOAK=60 LOAD=20 FAULTS=4`, and needs Linux, root and nginx. The normal tests run
the same scenarios for a few seconds each ([test_faults.py](../tests/service/test_faults.py)). The service
under test is the real one, with two workers. The client counts every request, checks every answer, and
shares the cores with the service.

**{asked:,} requests, {lost} lost.** {right:,} were answered correctly. {broken:,} were cut off, nearly all
because the worker that was answering them was killed.{otherwise}

| scenario | duration | requests | correct | cut off | lost |
| --- | ---: | ---: | ---: | ---: | ---: |
{rows}

- **Correct**: the answer has the expected status and, for 200, the digit that the network reads offline.
  When clients ask for more than the service can answer, 503 with `Retry-After` is correct. Any other 5xx is
  wrong.
- **Cut off**: the worker was killed (SIGKILL) while it answered, which costs at most one request per
  connection; or a client connected at the very moment when the service stopped listening. A client that
  does not know the outcome of a prediction may repeat it, because a prediction changes nothing.
- **Lost**: everything else: a wrong answer, no answer within 30 s, or a connection that broke although no
  process was killed.
"""
WELL = " No answer was a 5xx other than 503."
NOT_WELL = " **There were failures: see below.**"
FOUND = """
## Results

[load](../benchmarks/torture/load.py), [ends](../benchmarks/torture/ends.py) and
[faults](../benchmarks/torture/faults.py) describe what each scenario does. The overload consists of forms
with many images, because they cost the client little and the service much. With single images, the client's
share of the cores would limit the load. Capacity is the rate of 16 connections. Clock jumps and the lack of
processes and threads are simulated in the service's Python. Full pipes, full disks, limits and signals are
those of the operating system.

{rows}

The case of a worker that the system kills because memory runs out needs a container, so it is one of the
tests of the image ([test_image.py](../tests/container/test_image.py)).
"""
LIMITS = """
## Known limits

- A killed worker loses the requests that it was answering. Behind nginx, as in
  [deploy/nginx](../deploy/nginx/digits.conf), another instance answers them.
- When the service stops, it cuts off a client that connects between a worker's last accept and the end of
  its socket. This does not happen when a load balancer has stopped sending requests
  (`DIGITS_DRAIN_SECONDS`), or tries another instance.
- gunicorn measures the 30 s that a stop may take with the wall clock. If the clock is set forward during a
  stop, requests may be cut short. The service measures everything else with a monotonic clock.
- A worker that ended is replaced only when the system has a free inode for its heartbeat, a process and a
  thread. gunicorn tries again every second, and the other workers continue.
"""
SOAK = """
## Mixed traffic

{asked:,} requests in {minutes:.0f} minutes, of {kinds} kinds: drawings, photos, forms of up to 100 files;
truncated PNGs, blank images, other types, broken forms; malformed HTTP, two lengths, headers of 40 kB;
clients that take two seconds to send a request; probes, pages, scrapes. {bad:,} were refused (4xx), as
expected. Raw numbers: [soak.csv](reliability/soak.csv), one line per ten seconds.

![Memory, descriptors, threads and answers per second over time](images/reliability.png)

The trend compares the median of the second half with that of the first half, without the first tenth.
Processes share fewer pages as time passes, because a page that a process writes to becomes its own. The
first line may therefore approach the second line, which is its upper bound.

| use by all processes | maximum | trend |
| --- | ---: | ---: |
{rows}
"""
FUZZ = """
## Fuzzing

`make fuzz` generates inputs for the code that reads requests and images. Raw numbers: [fuzz.csv](fuzz.csv).

| target | inputs | seconds | findings |
| --- | ---: | ---: | ---: |
{rows}
"""
RUNS = """
## The runs

| scenario | date | commit | machine | other load |
| --- | --- | --- | --- | --- |
{rows}

Raw numbers: [reliability/](reliability) has a `.json` file for each scenario, and a `.csv` file if it took
samples.
"""
TREND = {
    "pss_mb": "memory, with shared pages counted once, MB",
    "rss_mb": "memory, with shared pages counted in each process, MB",
    "descriptors": "descriptors",
    "threads": "threads",
    "files": "files left behind",
}


def write_page(docs: Path, order: Sequence[str]) -> None:
    """Write the page from the existing reports, in this order."""
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
    """Return a line for a scenario: its figures and its failures."""
    figures = [
        f"{name}: {_number(value)}"
        for name, value in document["figures"].items()
        if name.split(",")[0] not in TREND
    ]
    findings = [f"**failure: {finding}**" for finding in document["findings"]]
    return f"- **{document['name']}** – {'; '.join(figures + findings) or 'as expected'}."


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
    """Return a row for each target, summed over all days."""
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
