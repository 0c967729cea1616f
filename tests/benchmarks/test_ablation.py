"""The ablation study: every part that it replaces is there, and its ratios are those of its runs."""

import re
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchmarks.serving import wrk
from benchmarks.serving.ablation import pieces
from benchmarks.serving.ablation.__main__ import publish
from benchmarks.serving.ablation.entries import BASELINE, VARIANTS, cells, entries
from benchmarks.serving.payloads import BROWSER_FIELDS, Post
from benchmarks.serving.race import Plan, Race, Turn, race
from benchmarks.serving.wrk import Load
from tests.needs import need

FOLDER = Path(pieces.__file__).parent / "variants"


@pytest.mark.parametrize("name", pieces.PIECES)
def test_each_piece_is_where_its_address_says(name: str) -> None:
    """Every part of the service that a variant replaces is found."""
    assert pieces.find(name)


@pytest.mark.parametrize(
    "address", ["service.nowhere:create_app", "service.app:nothing", "service.worker:Worker.notify"]
)
def test_missing_piece_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing module, a missing name and an inherited method are refused; the message has the address."""
    monkeypatch.setitem(pieces.PIECES, "app factory", address)
    with pytest.raises(
        pieces.MissingPieceError, match=f"^the app factory is not at {address}: correct PIECES"
    ):
        pieces.replace("app factory", None)


def test_each_variant_is_started_with_its_module() -> None:
    """Each module in variants/ belongs to one variant, and all others of its settings are the baseline's."""
    modules = [variant.module for variant in VARIANTS.values() if variant.module]
    assert sorted(modules) == sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
    found = entries(VARIANTS)
    assert [*found] == [*VARIANTS]
    for name, variant in VARIANTS.items():
        baseline = found[variant.baseline]
        assert found[name].takes == baseline.takes
        assert found[name].variables == {**baseline.variables, **variant.variables}


def test_baseline_is_added() -> None:
    """A chosen variant brings along the server that it is compared with."""
    assert [*entries(["pillow_png"])] == [BASELINE, "pillow_png"]
    assert [*entries(["proxy_fix"])] == ["as_it_is_proxied", "proxy_fix"]


def test_page_has_ratios_of_each_round(tmp_path: Path) -> None:
    """A ratio is taken within its round: a round in which both are slow changes none."""
    plan = Plan(entries(["pillow_png"]), 3, 1.0, cells(["raw", "multipart-browser"], [8]))
    turns = [
        Turn(number, form, 8, name, Load(rate, 1_000_000, 1000, p99, 0, 0), cpu, 1.0)
        for form, _ in plan.cells
        for number, slow in ((1, 1), (2, 4), (3, 1))
        for name, rate, p99, cpu in (
            (BASELINE, 4000 // slow, 2000 * slow, 100.0),
            ("pillow_png", 3000 // slow, 3000 * slow, 125.0),
        )
    ]
    publish(Race(plan, turns), tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert page.count("| variant | body, 8 | form-browser, 8 | geometric mean |") == 3
    rows = [row for row in page.splitlines() if row.startswith("| Pillow's own PNG reader |")]
    assert [row.split("|")[2:5] for row in rows] == [[f" {each} "] * 3 for each in ("0.75", "1.50", "1.25")]
    assert len((tmp_path / "benchmarks" / "ablation.csv").read_text(encoding="utf-8").splitlines()) == 13


def test_browsers_fields_are_sent_with_new_identifiers(tmp_path: Path) -> None:
    """The script sends the eleven fields of a browser, and another X-Request-Id in each request."""
    need("wrk")
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.append(dict(self.headers))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    script = tmp_path / "post.lua"
    script.write_text(wrk.script(Post("/predict", "image/png", [b"a", b"\0b"], BROWSER_FIELDS)))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        wrk.run(script, server.server_port, 1, 0.2)
        server.shutdown()
        thread.join()
    names = {*BROWSER_FIELDS, "Host", "Content-Type", "Content-Length"}
    assert len(names) == 11
    assert seen
    assert all(each.keys() == names for each in seen)
    identifiers = [each["X-Request-Id"] for each in seen]
    assert len({*identifiers}) == len(identifiers)
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in identifiers)


def test_short_race_of_two_variants() -> None:
    """Two variants race against the service as it is: all read the right digits, and all runs are there."""
    need("wrk")
    names = ["no_micro_batching", "pillow_png"]
    chosen = {name: entry._replace(environment=sys.prefix) for name, entry in entries(names).items()}
    found = race(Plan(chosen, 1, 0.2, cells(["raw", "multipart-browser"], [2]), starts=1))
    order = [(turn.form, turn.server) for turn in found.turns]
    assert order == [(form, name) for form in ("raw", "multipart-browser") for name in chosen]
    assert all(turn.load.requests and not turn.load.refused for turn in found.turns)
