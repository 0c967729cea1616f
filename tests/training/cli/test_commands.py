"""The command line, from options to files, on small data."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from models.network import parameters
from models.preprocessing import preprocess
from models.store import load, save
from training import checkpoint
from training.cli.commands import main
from training.data.mnist import SHA256, load_split
from training.recipe import Recipe
from training.state import start as begin

ROOT = Path(__file__).parents[3]
SMALL = ["--hidden", "16", "--epochs", "4", "--batch-size", "50", "--average-decay", "0.9"]


def run(*arguments: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def fit(folder: Path, tmp_path: Path, *options: object) -> Result:
    """Run `fit` with a small network on small data."""
    return run("fit", "--data-dir", folder, "--out", tmp_path / "w.npz", *SMALL, *options)


def test_fit_then_evaluate_then_report(mnist_folder: Path, tmp_path: Path) -> None:
    """`fit` writes the weights file with all its metadata, and the other commands read it."""
    result = fit(mnist_folder, tmp_path, "--model-version", "0.1", "--dropout", "0.1,0.2", "--test")
    assert result.exit_code == 0, result.output
    assert "epoch   4: training loss" in result.output
    metadata = load(tmp_path / "w.npz").metadata
    assert metadata["version"] == "0.1"
    assert metadata["recipe"]["dropout"] == [0.1, 0.2]
    assert metadata["data_sha256"] == SHA256
    assert set(metadata["test"]) == {"error", "ece", "coverage", "abstention"}
    assert len(metadata["history"]) == 4
    assert metadata["weights"] == 784 * 16 + 16 + 16 * 10 + 10
    assert sum(metadata["baseline"]["predictions"]) == pytest.approx(1)
    assert metadata["baseline"]["confidence"][-1] == metadata["baseline"]["ink_fraction"][-1] == 1
    evaluated = run("evaluate", "--data-dir", mnist_folder, "--weights", tmp_path / "w.npz")
    assert f"error      {metadata['test']['error']:8.3%}" in evaluated.output
    reported = run(
        "report", "--data-dir", mnist_folder, "--weights", tmp_path / "w.npz", "--out", tmp_path / "r"
    )
    assert reported.exit_code == 0, reported.output
    assert (tmp_path / "r" / "report.html").is_file()
    assert not list(tmp_path.glob("*.checkpoint.npz"))
    carded = run("card", "--weights", tmp_path / "w.npz", "--out", tmp_path / "CARD.md")
    assert carded.exit_code == 0, carded.output
    text = (tmp_path / "CARD.md").read_text()
    assert f"| error | {metadata['test']['error']:.2%} |" in text
    assert metadata["sha256"] in text
    assert "| dropout | 0.1, 0.2 |" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--hidden", "16,0"], "hidden must be layer sizes above 0"),
        (["--hidden", "many"], "is not a list of ints"),
        (["--learning-rate", "-1"], "learning_rate must be above 0"),
        (["--loss", "difference"], "average to 0"),
        (["--epochs", "few"], "'few' is not a valid int"),
        (["--data-dir", "/nowhere"], "python -m training fetch"),
        (["--out", "/nowhere/w.npz"], "the folder /nowhere must exist"),
        (["--resume"], "no checkpoint to resume"),
    ],
)
def test_bad_options_end_in_a_sentence(
    mnist_folder: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    """A bad option ends in exit code 2 and one sentence, without a traceback, and writes nothing."""
    result = fit(mnist_folder, tmp_path, *options)
    assert result.exit_code == 2
    assert words in result.output.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["mnist"]


def test_without_test_the_test_set_is_not_read(mnist_folder: Path, tmp_path: Path) -> None:
    """Without --test, the figures are those of the validation split, and the test set is not mentioned."""
    result = fit(mnist_folder, tmp_path)
    assert "w.npz, validation split: error" in result.output.replace("\n", "")
    assert "test" not in load(tmp_path / "w.npz").metadata
    assert run("card", "--weights", tmp_path / "w.npz", "--out", tmp_path / "CARD.md").exit_code == 0
    assert "| error | not measured |" in (tmp_path / "CARD.md").read_text()


def test_calibrated_anew_it_is_the_same(mnist_folder: Path, tmp_path: Path) -> None:
    """`calibrate` finds the same thresholds as `fit`, and corrects a wrong temperature in the file."""
    fit(mnist_folder, tmp_path)
    path, again = tmp_path / "w.npz", tmp_path / "again.npz"
    result = run("calibrate", "--data-dir", mnist_folder, "--weights", path, "--out", again)
    assert "again.npz, validation split: error" in result.output.replace("\n", "")
    assert load(again).metadata == load(path).metadata
    model = load(path)
    spoilt = model.metadata | {"temperature": 3.0}
    save(path, model.network, spoilt, preprocess(load_split(mnist_folder, 1).validation.images[:10]))
    assert run("calibrate", "--data-dir", mnist_folder, "--weights", path, "--test").exit_code == 0
    mended = load(path).metadata
    assert mended.pop("test")["error"] < 1
    assert mended == load(again).metadata


def test_fields_of_other_versions_are_passed_over(mnist_folder: Path, tmp_path: Path) -> None:
    """Commands that read a weights file pass over fields of metadata and recipe that they don't know."""
    fit(mnist_folder, tmp_path)
    path = tmp_path / "w.npz"
    known = load(path)
    recipe = known.metadata["recipe"] | {"maps": [8, 16], "teacher_temperature": 4.0}
    images = load_split(mnist_folder, 1).validation.images[:10]
    save(
        path,
        known.network,
        known.metadata | {"recipe": recipe, "teachers": [{"maps": [8]}]},
        preprocess(images),
    )
    for command, *options in (
        ("evaluate", "--data-dir", mnist_folder),
        ("card", "--out", tmp_path / "CARD.md"),
        ("calibrate", "--data-dir", mnist_folder),
    ):
        result = run(command, "--weights", path, *options)
        assert result.exit_code == 0, result.output
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "hidden" in text
    assert not re.search("maps|teacher", text)
    calibrated = load(path).metadata
    assert (calibrated["recipe"], calibrated["temperature"]) == (recipe, known.metadata["temperature"])


def test_resume_otherwise_is_refused(mnist_folder: Path, tmp_path: Path) -> None:
    """The error for a resume with other layer sizes names the difference; the checkpoint stays as it is."""
    checkpoint.save(tmp_path / "w.checkpoint.npz", begin(Recipe(hidden=(16,))))
    kept = (tmp_path / "w.checkpoint.npz").read_bytes()
    result = fit(mnist_folder, tmp_path, "--resume", "--hidden", "8")
    assert result.exit_code == 2
    assert "can't be resumed with other options: its hidden is (16,), not (8,)" in result.output
    assert (tmp_path / "w.checkpoint.npz").read_bytes() == kept


def test_every_option_is_documented() -> None:
    """`fit --help` has each field of the recipe, with its explanation and default."""
    text = " ".join(run("fit", "--help").output.split())
    for entry in fields(Recipe):
        assert f"--{entry.name.replace('_', '-')}" in text
        assert " ".join(entry.metadata["help"].split()[:4]) in text
    assert text.count("[default:") >= len(fields(Recipe))


# The real program in a process of its own, told the checksums of the small files.
PROGRAM = """
import json, sys
from training.data.mnist import SHA256
from training.cli.commands import main
SHA256.update(json.loads(sys.argv.pop(1)))
main(prog_name="fit")
"""


def start(mnist_folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(SHA256), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "DIGITS_DATA_DIR": str(mnist_folder)},
    )


def interrupt_when_it_has(kept: Path, process: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Send a signal once a checkpoint is there, and return what the process printed."""
    for _ in range(6000):
        if kept.exists():
            break
        time.sleep(0.005)
    process.send_signal(number)
    return process.communicate(timeout=60)[0]


def test_interrupted_and_resumed_is_bit_for_bit(mnist_folder: Path, tmp_path: Path) -> None:
    """Resumed after Ctrl-C (with the printed command) or kill -9, the weights are the same, bit for bit."""
    options = ["--hidden", "32", "--epochs", "60", "--batch-size", "20", "--dropout", "0.1"]
    whole = tmp_path / "whole.npz"
    assert run("fit", "--data-dir", mnist_folder, *options, "--out", whole).exit_code == 0
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        stopped = tmp_path / f"{number.name}.npz"
        kept = stopped.with_suffix(".checkpoint.npz")
        process = start(mnist_folder, "fit", *options, "--out", stopped)
        printed = interrupt_when_it_has(kept, process, number)
        assert process.returncode == code
        assert checkpoint.load(kept).epoch < 60
        assert not stopped.exists()
        if number == signal.SIGINT:
            command = printed.strip().splitlines()[-1].split()
            assert command[:4] == ["python", "-m", "training", "fit"]
            assert run(*command[3:]).exit_code == 0
        else:
            assert run("fit", "--data-dir", mnist_folder, "--resume", "--out", stopped).exit_code == 0
        first, second = (parameters(load(path).network) for path in (whole, stopped))
        assert {name: array.tobytes() for name, array in first.items()} == {
            name: array.tobytes() for name, array in second.items()
        }
