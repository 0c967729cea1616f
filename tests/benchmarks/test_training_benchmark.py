"""The benchmark of training: it measures what it says, and its page says what it measured."""

import csv
import math
import os
import re
import shutil
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.page import write_section
from benchmarks.training import driver, target
from benchmarks.training.__main__ import publish
from benchmarks.training.contestants import BATCH, ENTRIES, OPTIMIZERS, WARM_UP
from benchmarks.training.driver import Plan, Race, RaceError, race
from benchmarks.training.ours import Clock, Enough
from training.data.mnist import Examples, Split
from training.fit import Step
from training.history import Epoch, Measure
from training.recipe import Recipe

ROUNDS, STEPS = 3, 2
STEP = Step(BATCH, 0.0, 0.0)
EPOCH = Epoch(Measure(0.0, 0.0), Measure(0.0, 0.0))


@pytest.fixture(scope="module")
def finished() -> Race:
    """A race of the two contestants that need no other environment, on images that can be learned."""
    labels = np.arange(3 * BATCH + 1, dtype=np.uint8) % 10
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[np.arange(len(labels)), labels] = 255
    plan = Plan(("ours", "products"), ROUNDS, STEPS, Path("no-rivals"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "PAUSE_SECONDS", 0)
        # One thread: beside other tests on the same cores, BLAS's threads would wait for each other.
        patch.setattr(driver, "environment", lambda: os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        return race(Examples(images, labels), plan)


def rows(page: str, optimizer: str) -> dict[str, list[str]]:
    """Return the cells of an optimizer's table on the page, by contestant."""
    table = page.split(f"### {optimizer.capitalize()}")[1].split("###", maxsplit=1)[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*", table, re.MULTILINE)
    ]
    return {row[0]: row[1:] for row in cells[2:]}


def test_page_says_what_the_csv_holds(finished: Race, tmp_path: Path) -> None:
    """Each figure is the median (or an extreme) of the CSV's rounds, each ratio that of their ratios."""
    publish(finished, tmp_path)
    with (tmp_path / "benchmarks" / "training.csv").open(newline="") as file:
        turns = list(csv.DictReader(file))
    assert len(turns) == ROUNDS * len(OPTIMIZERS) * 2
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    for optimizer in OPTIMIZERS:
        times = {
            name: [
                float(turn["seconds_per_epoch"])
                for number in range(1, ROUNDS + 1)
                for turn in turns
                if (turn["round"], turn["optimizer"], turn["contestant"]) == (str(number), optimizer, name)
            ]
            for name in ("ours", "products")
        }
        found = rows(page, optimizer)
        assert len(found) == 2
        for name, seconds in times.items():
            assert len(seconds) == ROUNDS
            ratios = [median(np.divide(seconds, times[other])) for other in ("ours", "products")]
            assert found[ENTRIES[name].label][:4] == [
                f"{median(seconds):.3f}",
                f"{min(seconds):.3f} – {max(seconds):.3f}",
                *(f"{ratio:.2f}" for ratio in ratios),
            ]


def test_contestants_train_and_take_turns(finished: Race) -> None:
    """Our cost falls from round to round, over epochs' ends; the products have none; who begins changes."""
    for optimizer in OPTIMIZERS:
        costs = [turn.cost for turn in finished.turns if turn[1:3] == (optimizer, "ours")]
        assert costs == sorted(costs, reverse=True)
        assert costs[-1] < 0.9 * math.log(10)
    assert all(math.isnan(turn.cost) for turn in finished.turns if turn.contestant == "products")
    first = [turn.contestant for turn in finished.turns[:: 2 * len(OPTIMIZERS)]]
    assert first == ["ours", "products", "ours"]


def test_clock_leaves_out_warm_up_and_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run, only its steps' seconds count: not the warm-up's, not those between step and epoch's end."""
    now = 0.0
    monkeypatch.setattr("benchmarks.training.ours.time", SimpleNamespace(perf_counter=lambda: now))
    clock = Clock(steps=2)
    for _ in range(WARM_UP):
        now += 1000
        clock.after_step(STEP)
    now += 1
    clock.after_step(STEP)
    now += 1000
    clock.after_epoch(EPOCH)
    now += 2
    with pytest.raises(Enough):
        clock.after_step(STEP)
    assert clock.seconds == 3


def test_all_get_the_same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this shell tells BLAS and OpenMP does not reach the contestants; all else does."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("DIGITS_MARK", "here")
    found = driver.environment()
    assert found["DIGITS_MARK"] == "here"
    assert not [name for name in found if name.startswith(("OPENBLAS_", "OMP_"))]


def test_contestant_that_does_not_start_is_named(mnist_500: Examples) -> None:
    """Without the rivals' environment, or when a process dies, the message says whose."""
    with pytest.raises(RaceError, match=r"jax: .*no-rivals can't be started.*make bench-training"):
        race(mnist_500, Plan(["jax"], 1, 1, Path("no-rivals")))
    false = shutil.which("false")
    assert false
    with pytest.raises(RaceError, match="jax: its process ended with exit code 1"):
        race(mnist_500, Plan(["jax"], 1, 1, Path(false)))


def test_missing_contestant_is_told(finished: Race, tmp_path: Path) -> None:
    """Who can't run on this machine stands below the tables, with the reason."""
    publish(Race(finished.plan, finished.turns, finished.versions, {"jax": "no luck"}), tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "JAX, jit was not measured: no luck." in page


def test_section_replaces_itself_alone(tmp_path: Path) -> None:
    """A section written again takes the old one's place; what a person or another section wrote stays."""
    page = tmp_path / "benchmarks.md"
    for name in ("first", "second"):
        write_section(page, name, f"old {name}")
    page.write_text(page.read_text(encoding="utf-8") + "\nAn afterword.\n", encoding="utf-8")
    before = page.read_text(encoding="utf-8")
    write_section(page, "first", "new first")
    assert page.read_text(encoding="utf-8") == before.replace("old first", "new first")
    page.write_text("<!-- first:begin -->", encoding="utf-8")
    with pytest.raises(ValueError, match="has no <!-- first:end -->"):
        write_section(page, "first", "text")


def test_target_stops_at_the_first_epoch_that_reaches_it(
    mnist_500: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop-watch ends with the target, leaves out the reading of the test set, and keeps each epoch."""
    now, errors = 0.0, iter([0.5, 0.1, 0.0])

    def slow_measure(*_: object) -> Measure:
        nonlocal now
        now += 1000
        return Measure(0.0, next(errors))

    def clock() -> float:
        nonlocal now
        now += 1
        return now

    monkeypatch.setattr(target, "measure", slow_measure)
    monkeypatch.setattr(target, "time", SimpleNamespace(perf_counter=clock))
    few = Examples(*(array[:BATCH] for array in mnist_500))
    recipe = Recipe(hidden=(4,), epochs=5, deform=False)
    run = target.points_to_target(recipe, Split(few, few, few), 0.1)
    assert [point[1:] for point in run] == [(1, 1, 0.5), (2, 2, 0.1)]
    target.publish(recipe, [run], 0.1, tmp_path)
    assert "**2 s**" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "**not reached**" in target.section(recipe, [run], 0.05)
    lines = (tmp_path / "benchmarks" / "target.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["seed,epoch,seconds,error", "1,1,1.0,0.5", "1,2,2.0,0.1"]
