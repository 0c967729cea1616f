"""The benchmark of serving: it measures what it claims, and its page shows the measured figures."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from benchmarks.serving import overload, payloads, processes, section_text, server, wrk
from benchmarks.serving.__main__ import publish
from benchmarks.serving.checking import check
from benchmarks.serving.entries import BATCH_CONNECTIONS, CONNECTIONS, ENTRIES, FORMS, all_cells
from benchmarks.serving.payloads import Post
from benchmarks.serving.race import Plan, Race, Turn, posts_of, race
from benchmarks.serving.server import Server, ServerError
from benchmarks.serving.wrk import Load
from tests.needs import need

NAMES = ("ours", "constant")
ENTRIES_OF_TWO = {name: ENTRIES[name] for name in NAMES}
PAIR = Plan(ENTRIES_OF_TWO, 2, 1.0)


def load(requests: int, refused: int = 0, socket_errors: int = 0) -> Load:
    """A run of one second."""
    return Load(requests, 1_000_000, 1500, 9000, socket_errors, refused)


@pytest.fixture
def finished() -> Race:
    """A race whose second round was slower for both servers, and slower still for one."""
    turns = [
        Turn(number, form, connections, name, load(rate), 1e6 / rate, spread)
        for form, connections in all_cells()
        for number, name, rate, spread in (
            (1, "ours", 6000, 1.0),
            (1, "constant", 8000, 2.0),
            (2, "ours", 3000, 1.2),
            (2, "constant", 2000, 3.0),
        )
        if form in ENTRIES[name].takes
    ]
    versions = {name: {"flask": "3.1"} for name in NAMES}
    return Race(PAIR, turns, versions, {name: [3.0, 1.0, 2.0] for name in NAMES}, dict.fromkeys(NAMES, 100.0))


def rows(page: str, title: str) -> dict[tuple[str, ...], list[str]]:
    """Return the table below a title: the other cells of each row, by the cells up to the server's name."""
    table = page.split(title)[1].split("###", maxsplit=1)[0]
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*", table, re.MULTILINE)[2:]
    ]
    keys = 2 if found[0][0].isdigit() else 1
    return {tuple(row[:keys]): row[keys:] for row in found}


def test_page_agrees_with_csv(finished: Race, tmp_path: Path) -> None:
    """Rates are medians and extremes over the rounds, ratios are of rounds, batches count images."""
    publish(finished, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    with (tmp_path / "benchmarks" / "serving.csv").open(newline="") as file:
        turns = list(csv.DictReader(file))
    assert len(turns) == len(finished.turns)
    rates = [
        float(turn["requests"])
        for turn in turns
        if (turn["server"], turn["form"], turn["connections"]) == ("constant", "raw", "8")
    ]
    found = rows(page, "### One image, the PNG as the body")
    # Round by round: 6000 / 8000 and 3000 / 2000.
    assert found["8", "Flask, constant response"] == [
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} – {max(rates):,.0f}",
        f"{median([6000 / 8000, 3000 / 2000]):.2f}",
        "1.50",
        "9.00",
    ]
    assert len(found) == len(CONNECTIONS) * len(NAMES)
    batch = rows(page, f"### {payloads.BATCH} images in one form")
    assert batch["4", "this project"][0] == f"{payloads.BATCH * 4500:,}"
    assert len(batch) == len(BATCH_CONNECTIONS)
    assert (tmp_path / "images" / "serving.png").read_bytes().startswith(b"\x89PNG")


def test_page_shows_costs(finished: Race, tmp_path: Path) -> None:
    """A table has CPU, memory, the median start and the spread; a sentence names an uneven pair."""
    publish(finished, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    costs = rows(page, "### What it costs")
    cpu = f"{median([1e6 / 6000, 1e6 / 3000]):.0f}"
    assert costs["this project",] == [cpu, cpu, "100", "2.00", "1.10"]
    assert "in most runs of: Flask, constant response (2.5 times)." in page
    lines = (tmp_path / "benchmarks" / "serving-servers.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "ours,100.0,3.0,1.0,2.0"


def test_refusals_are_shown(finished: Race) -> None:
    """Error responses do not count as answers, and the page shows them; without any, it says so."""
    assert load(100, refused=40).per_second == 60
    turns = [
        *finished.turns,
        Turn(3, "raw", 8, "ours", load(9, refused=5), 1, 1),
        Turn(4, "raw", 8, "ours", load(9, socket_errors=7), 1, 1),
    ]
    assert section_text.faults(ENTRIES, turns) == "this project: 5 error responses, 7 socket errors."
    assert section_text.faults(ENTRIES, finished.turns).startswith("No request was refused")


def test_results_are_found_in_output_of_wrk() -> None:
    """The script's line is found anywhere in the output; without it, the error shows the output."""
    line = json.dumps(load(7)._asdict())
    assert wrk.parse(f"Running 1s test\n  7 requests in 1.00s\n{line}\n") == load(7)
    with pytest.raises(ValueError, match=r"but:\nunable to connect"):
        wrk.parse("unable to connect")


def test_script_keeps_every_byte() -> None:
    """Any body can be written in Lua: read back by Lua's rules, it is the same."""
    body = bytes(range(256)) + b'0"\\1'
    written = wrk.script(Post("/predict", "image/png", [body], {"X-Request-Id": payloads.NEW_ID}))
    found = re.search(r'^"(.*)",$', written, re.MULTILINE)
    assert found
    read = re.sub(r"\\(\d{3})", lambda escape: chr(int(escape[1])), found[1])
    assert read.encode("latin-1") == body
    assert 'wrk.format("POST", "/predict", fields, body)' in written
    assert '["Content-Type"] = "image/png",' in written
    assert written.count(payloads.NEW_ID) == 2, "once in the fields, and once where it is looked for"


def test_all_servers_get_the_same_images() -> None:
    """Every server except two of ours takes both forms; each form has all images, or the batches of them."""
    pngs = [bytes([number]) for number in range(payloads.COUNT)]
    for name, entry in ENTRIES.items():
        assert set(FORMS) <= set(entry.takes) or name in {"logged", "bare"}
        for form, post in posts_of(entry, pngs, {*FORMS, "batch"}).items():
            assert len(post.bodies) == (len(payloads.BATCH_STARTS) if form == "batch" else payloads.COUNT)
    assert all(first + payloads.BATCH <= payloads.COUNT for first in payloads.BATCH_STARTS)


def test_wrong_digit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that reads another digit than the network offline, or answers with an error, is refused."""
    running = Server("ours", ENTRIES["ours"], subprocess.Popen([sys.executable, "-c", ""]), 1, 0.0)
    posts = {"raw": Post("/predict", "image/png", [b"one", b"two"])}
    for status, answer in ((200, b'{"digit": 7}'), (503, b"{}")):
        monkeypatch.setattr("benchmarks.serving.checking.ask", lambda *_, found=(status, answer): found)
        with pytest.raises(ServerError, match=r"ours, raw, body \d: \[\d\] expected"):
            check(running, posts, [7, 1])
    running.process.wait()


def test_environment_is_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of the caller for BLAS, Python and the servers do not reach them; one BLAS thread does."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("DIGITS_WORKERS", "9")
    monkeypatch.setenv("ELSE", "here")
    found = server.environment()
    assert found["ELSE"] == "here"
    assert "DIGITS_WORKERS" not in found
    blas = {name: value for name, value in found.items() if name.startswith("OPENBLAS_")}
    assert blas == {"OPENBLAS_NUM_THREADS": "1"}


def test_tree_has_descendants_and_their_costs() -> None:
    """A process's children are found with their processor time and memory, and are stopped with it."""
    child = "import time; sum(range(3_000_000)); print('ready', flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    with process.stdout:
        process.stdout.readline()
        family = processes.births(process.pid)
        assert len(family) == 2
        assert sum(processes.processor_seconds(process.pid).values()) > 0
        assert processes.memory_megabytes(process.pid) > 1
        server.stop(process)
    assert not any(processes.is_same(*member) for member in family.items())


def test_csv_of_hey_is_read() -> None:
    """Responses are counted by status; the percentiles are of the 200s alone."""
    lines = [
        f"{seconds},0,0,0,0,{status},0"
        for seconds, status in ((0.001, 200), (0.003, 200), (9, 503), (9, 500))
    ]
    head = "response-time,DNS+dialup,DNS,Request-write,Response-delay,status-code,offset"
    found = overload.parse("\n".join([head, *lines]), asked=100.0, seconds=2.0)
    assert found[:5] == (100.0, 2.0, 2, 1, 1)
    assert found.p50_ms == pytest.approx(2.0)
    assert found.share_rejected == 0.25
    text = overload.section(50.0, [found._replace(asked=25.0, p99_ms=2.0), found._replace(asked=200.0)], 2.0)
    assert f"**{found.p99_ms / 2:.1f} times**" in text
    assert "| 4 × | 200 | 2 | 128 | 25.0% |" in text
    assert overload.as_csv([found]).splitlines()[1].startswith("100.0,2.0,2,1,1,")


def test_server_that_does_not_start_is_named(tmp_path: Path) -> None:
    """When a program is missing or exits, the error names the server, and shows its output."""
    post = Post("/predict", "image/png", [b"png"])
    entry = ENTRIES["ours"]
    with (
        pytest.raises(ServerError, match=r"ours: .venv/nowhere/bin/python can't be started"),
        server.running("ours", entry._replace(environment="nowhere"), post, tmp_path),
    ):
        pass
    false = shutil.which("false")
    assert false
    with (
        pytest.raises(ServerError, match=r"ours: it did not answer \(last status: none\)"),
        server.running("ours", entry._replace(command=(false,)), post, tmp_path),
    ):
        pass


def test_short_race_of_two() -> None:
    """Two servers race: all runs are there, in alternation, and all requests are answered."""
    need("wrk")
    # These tests' own environment has what both need; the service's may not be made yet.
    entries = {name: entry._replace(environment=sys.prefix) for name, entry in ENTRIES_OF_TWO.items()}
    found = race(Plan(entries, 2, 0.2, [("raw", 1), ("multipart", 4), ("batch", 1)], starts=1))
    order = [(turn.round, turn.form, turn.server) for turn in found.turns]
    assert order == [
        *((1, form, name) for form in ("raw", "multipart") for name in NAMES),
        (1, "batch", "ours"),
        *((2, form, name) for form in ("raw", "multipart") for name in reversed(NAMES)),
        (2, "batch", "ours"),
    ]
    assert all(turn.load.requests and not turn.load.refused for turn in found.turns)
    assert not any(turn.load.socket_errors for turn in found.turns)
    assert all(found.megabytes[name] > 1 and found.starts[name] for name in NAMES)
    assert found.versions["ours"].keys() == set(ENTRIES["ours"].packages)
