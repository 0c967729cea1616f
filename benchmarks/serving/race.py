"""The race: all servers are running, and one at a time is loaded.

In each round, each server has one run in each cell (form and number of connections); each round begins with
another server. So changes in the machine's speed affect all servers alike, and no server always follows the
same other one. Figures are compared within a round.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.serving import payloads, processes, wrk
from benchmarks.serving.checking import check, warm_up
from benchmarks.serving.entries import ROOT, Cell, Entry, all_cells
from benchmarks.serving.payloads import Post, post
from benchmarks.serving.server import Server, ServerError, running
from models.network import predict
from models.preprocessing import preprocess
from models.store import load
from service.settings import DEFAULT_MODEL

# The form of the first request and of the warm-up: every server takes it.
FIRST_FORM = "raw"
Posts = dict[str, dict[str, Post]]
Say = Callable[[str], object]


class Turn(NamedTuple):
    """One run of wrk.

    cpu_us    processor time of all the server's processes, in microseconds a request
    spread    in a pair, the processor time of the busier process over that of the other
    """

    round: int
    form: str
    connections: int
    server: str
    load: wrk.Load
    cpu_us: float
    spread: float


class Plan(NamedTuple):
    """Which servers race, over how many rounds, in which cells, and how often each is started before.

    The first start reads files from the disk that later starts find in memory, so the median counts.
    """

    entries: Mapping[str, Entry]
    rounds: int
    seconds: float
    cells: Sequence[Cell] = tuple(all_cells())
    starts: int = 3


@dataclass
class Race:
    """All turns of a plan, and each server's versions, start times (seconds) and memory (megabytes)."""

    plan: Plan
    turns: list[Turn] = field(default_factory=list)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)


def race(plan: Plan, say: Say = str) -> Race:
    """Run the plan: start its servers, check them, load them in turn.

    Raises ServerError if a server does not start, or reads another digit than the network does offline.
    """
    wrk.require()
    result = Race(plan)
    images = payloads.read_images()
    pngs = [payloads.as_png(image) for image in images]
    digits = predict(load(DEFAULT_MODEL).network, preprocess(images)).tolist()
    forms = {FIRST_FORM, *(form for form, _ in plan.cells)}
    posts: Posts = {name: posts_of(entry, pngs, forms) for name, entry in plan.entries.items()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for name, entry in plan.entries.items():
            result.versions[name] = versions(name, entry)
            server = _started(name, posts[name], folder, stack, result)
            check(server, posts[name], digits)
            servers.append(server)
            say(f"{entry.label}: starts in {median(result.starts[name]):.2f} s")
        write_scripts(posts, folder)
        for server in servers:
            warm_up(server, folder / f"{server.name}-{FIRST_FORM}.lua")
        for turn in _turns(servers, posts, folder, plan):
            result.turns.append(turn)
            say(_told(turn))
        for server in servers:
            result.megabytes[server.name] = processes.memory_megabytes(server.process.pid)
    return result


def posts_of(entry: Entry, pngs: Sequence[bytes], forms: Collection[str]) -> dict[str, Post]:
    """Return what is posted to a server, by form: those of these forms that it takes."""
    return {form: post(*takes, pngs) for form, takes in entry.takes.items() if form in forms}


def versions(name: str, entry: Entry) -> dict[str, str]:
    """Return the versions of the packages in a server's environment.

    Raises ServerError if the environment is incomplete.
    """
    python = ROOT / ".venv" / entry.environment / "bin" / "python"
    asked = (
        f"import importlib.metadata as m, json; print(json.dumps([m.version(n) for n in {entry.packages}]))"
    )
    try:
        found = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        message = (
            f"{name}: .venv/{entry.environment} is incomplete ({error}); `make bench-serving` creates it"
        )
        raise ServerError(message) from error
    return dict(zip(entry.packages, json.loads(found.stdout), strict=True))


def write_scripts(posts: Posts, folder: Path) -> None:
    """Write wrk's script for each server and form."""
    for name, forms in posts.items():
        for form, posted in forms.items():
            (folder / f"{name}-{form}.lua").write_text(wrk.script(posted), encoding="ascii")


def _started(name: str, posts: dict[str, Post], folder: Path, stack: ExitStack, result: Race) -> Server:
    """Start a server several times, and leave the last one running."""
    first, entry = posts[FIRST_FORM], result.plan.entries[name]
    starts = result.starts[name] = []
    for number in range(result.plan.starts - 1):
        with running(name, entry, first, folder / f"{name}-{number}") as server:
            starts.append(server.start_seconds)
    server = stack.enter_context(running(name, entry, first, folder / name))
    starts.append(server.start_seconds)
    return server


def _turns(servers: list[Server], posts: Posts, folder: Path, plan: Plan) -> Iterator[Turn]:
    for number in range(plan.rounds):
        first = number % max(len(servers), 1)
        for form, connections in plan.cells:
            for server in servers[first:] + servers[:first]:
                if form in posts[server.name]:
                    script = folder / f"{server.name}-{form}.lua"
                    yield _turn((number + 1, form, connections), server, script, plan.seconds)


def _turn(cell: tuple[int, str, int], server: Server, script: Path, seconds: float) -> Turn:
    """Run wrk once; `cell` is the round, the form and the number of connections."""
    before = processes.processor_seconds(server.process.pid)
    load = wrk.run(script, server.port, cell[-1], seconds)
    used = processes.since(before, processes.processor_seconds(server.process.pid))
    cpu_us = 1e6 * sum(used.values()) / max(load.requests, 1)
    spread = processes.spread(used) if server.entry.pair else float("nan")
    return Turn(*cell, server.name, load, cpu_us, spread)


def _told(turn: Turn) -> str:
    load = turn.load
    wrong = f", {load.refused} refused, {load.socket_errors} socket errors" * bool(
        load.refused or load.socket_errors
    )
    where = f"round {turn.round}, {turn.form}, {turn.connections} connections, {turn.server}"
    return f"{where}: {load.per_second:.0f} a second{wrong}"
