"""The command line: predictions for files, by the same code as in the service."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from service.command import progress
from service.command.files import BATCH
from service.command.main import main
from service.images.codec import decode
from service.images.normalise import normalise
from tests.conftest import DATA
from tests.parity import digits_offline, png_of
from tests.server import ROOT
from training.data import Examples

SEVEN = str(DATA / "7.png")
HEAD = ["file", "digit", "confidence", "prediction_set", "abstained"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
        return code, *capsys.readouterr()

    return run


def run_alone(*arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, **options)  # type: ignore[call-overload]  # its own options


@pytest.fixture
def folder(tmp_path: Path, mnist_500: Examples) -> Path:
    """More images than a batch has, in subfolders, beside another file."""
    for index, image in enumerate(mnist_500.images[: 2 * BATCH + 5]):
        path = tmp_path / "scans" / f"{index % 3}" / f"{index:03}{('.png', '.PNG')[index % 2]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_of(image))
    (tmp_path / "scans" / "notes.txt").write_text("none")
    return tmp_path / "scans"


def test_table(run: Run) -> None:
    """The default output is a table with aligned columns."""
    code, out, err = run("predict", SEVEN)
    head, line = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == HEAD
    assert line.split() == [SEVEN, "7", "0.99995", "7", "no"]
    assert head.index("digit") + len("digit") == line.index(" 7 ") + 2


def test_json_lines(run: Run, client: FlaskClient, seven: bytes) -> None:
    """A line is the service's response, with the file name in front."""
    code, out, _ = run("predict", SEVEN, "--format", "jsonl")
    answer = client.post("/predict", data=seven, content_type="image/png").get_json()
    assert code == 0
    assert json.loads(out) == {"file": SEVEN} | answer


def test_folder(run: Run, folder: Path, mnist_500: Examples) -> None:
    """A folder stands for all PNGs under it, sorted by name; batching changes neither digits nor order."""
    code, out, err = run("predict", folder, "--format", "jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    files = [line["file"] for line in lines]
    assert files == sorted(files)
    assert len(files) == 2 * BATCH + 5
    numbers = [int(Path(file).stem) for file in files]
    assert [line["digit"] for line in lines] == digits_offline(mnist_500.images[numbers])


def test_csv(run: Run, folder: Path) -> None:
    """CSV has a header and a row for each file, with the ten probabilities."""
    code, out, _ = run("predict", folder / "0", SEVEN, "--format", "csv")
    head, *rows = csv.reader(io.StringIO(out))
    assert code == 0
    assert head == [*HEAD, *(f"p{digit}" for digit in range(10))]
    assert rows[-1][:2] == [SEVEN, "7"]
    for row in rows:
        probabilities = [float(cell) for cell in row[5:]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-6)
        assert float(row[2]) == probabilities[int(row[1])] == max(probabilities)


def test_unreadable_files(
    run: Run, tmp_path: Path, seven: bytes, blank: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error has the reason for each unreadable file; the others are read, and the exit code is 1."""
    monkeypatch.setenv("DIGITS_MAX_UPLOAD_BYTES", "1000")
    contents = {
        "blank": blank,
        "broken": seven[:80],
        "large": seven + bytes(1000),
        "none": b"GIF89a",
        "whole": seven,
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "empty").mkdir()
    code, out, err = run("predict", SEVEN, tmp_path, tmp_path / "empty", "nowhere.png", "--format", "jsonl")
    assert code == 1
    assert [json.loads(line)["file"] for line in out.splitlines()] == [SEVEN, str(tmp_path / "whole.png")]
    reasons = dict(line.split(": ", 1) for line in err.splitlines())
    assert {Path(name).stem: reason[:19] for name, reason in reasons.items()} == {
        "blank": "The image looks bla",
        "broken": "The PNG can't be re",
        "large": "The file has more t",
        "none": "The image is not a ",
        "empty": "There is no *.png i",
        "nowhere": "No such file or dir",
    }


def test_unreadable_folder(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subfolder that can't be listed is reported; the files of the others are read."""
    scandir = os.scandir

    def forbidden(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("1"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    code, out, err = run("predict", folder, "--format", "jsonl")
    assert (code, err) == (1, f"{folder / '1'}: Permission denied\n")
    assert {Path(json.loads(line)["file"]).parent.name for line in out.splitlines()} == {"0", "2"}


def test_standard_input(seven: bytes) -> None:
    """`-` reads a PNG from standard input."""
    ended = run_alone("predict", "-", input=seven)
    assert ended.stdout.split()[5:7] == [b"-", b"7"]
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"-: The image is not a PNG" in run_alone("predict", "-", input=b"").stderr


def test_receipts(run: Run, tmp_path: Path, folder: Path, mnist_500: Examples) -> None:
    """The network's input for each file is written as a PNG of 28 × 28; equal names are kept apart."""
    large = tmp_path / "7.png"
    Image.open(SEVEN).resize((300, 300)).save(large)
    seen = tmp_path / "to" / "seen"
    code, _, err = run("predict", SEVEN, "nowhere.png", large, folder, "--receipt", seen)
    assert (code, err) == (1, "nowhere.png: No such file or directory\n")
    images = [decode(path.read_bytes(), 784) for path in sorted(seen.iterdir())]
    assert [path.name for path in sorted(seen.iterdir())[:3]] == [
        "00001-7.png",
        "00003-7.png",
        "00004-000.png",
    ]
    np.testing.assert_array_equal(images[0], decode(Path(SEVEN).read_bytes(), 784))
    np.testing.assert_array_equal(images[1], normalise(decode(large.read_bytes(), 300**2))[0])
    np.testing.assert_array_equal(images[2], mnist_500.images[0])
    assert len(images) == 2 * BATCH + 7


def test_receipts_overwrite_nothing(run: Run, tmp_path: Path) -> None:
    """A folder that is not empty is refused, and stays as it is."""
    (tmp_path / "mine.png").write_bytes(b"mine")
    code, out, err = run("predict", SEVEN, "--receipt", tmp_path)
    assert (code, out) == (2, "")
    assert err == f"digits: {tmp_path} is not empty: --receipt needs a new or empty folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: predict|check"),
        (["predict"], "required: FILE"),
        (["predict", SEVEN, "--format", "xml"], "invalid choice: 'xml'"),
        (["guess"], "invalid choice: 'guess'"),
    ],
)
def test_usage(run: Run, arguments: list[str], words: str) -> None:
    """Invalid arguments print the usage; the exit code is 2."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("usage: python -m service")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_PIXELS", "few", "DIGITS_MAX_PIXELS must be a whole number"),
        ("MODEL", "nowhere.npz", "no such file"),
    ],
)
def test_invalid_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """The command has the service's settings; an invalid one ends it with exit code 2."""
    monkeypatch.setenv(f"DIGITS_{name}", value)
    code, out, err = run("predict", SEVEN)
    assert (code, out) == (2, "")
    assert err.startswith("digits: ")
    assert words in err


def test_closed_pipe(seven: bytes, tmp_path: Path) -> None:
    """A closed pipe, as after `| head`, ends the command without a traceback."""
    path = tmp_path / "7.png"
    path.write_bytes(seven)
    with subprocess.Popen(
        [sys.executable, "-m", "service", "predict", *[str(path)] * 2000],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"file ")
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode < 0


def test_starts_without_flask_and_metrics() -> None:
    """The command imports neither Flask nor prometheus_client, and needs no folder for metrics."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": "/nowhere"}
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service", "predict", SEVEN],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.split("|")[-1].strip().split(".")[0] for line in ended.stderr.splitlines()}
    assert {"numpy", "PIL", "service"} <= imported
    assert imported.isdisjoint({"flask", "werkzeug", "gunicorn", "prometheus_client"})


def test_hostile_file_names(seven: bytes, tmp_path: Path) -> None:
    """Control characters and invalid bytes in names are escaped in the table, and kept in CSV and JSON."""
    names = [b"\x1b[31m.png", b"\xff.png", "é.png".encode()]
    for name in names:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_bytes(seven)
    table = run_alone("predict", str(tmp_path))
    assert table.returncode == 0
    assert b"\x1b" not in table.stdout
    assert "/é.png  ".encode() in table.stdout
    assert b"\\udcff.png'" in table.stdout
    lines = run_alone("predict", str(tmp_path), "--format", "jsonl").stdout.splitlines()
    assert {os.fsencode(json.loads(line)["file"]).rsplit(b"/")[-1] for line in lines} == set(names)
    assert b"/\xff.png,7," in run_alone("predict", str(tmp_path), "--format", "csv").stdout


def test_progress_line(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, a long run redraws a progress line, and erases it at the end."""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    leader, follower = os.openpty()
    with open(leader, "rb", buffering=0) as screen, open(follower, "w") as terminal:  # noqa: PTH123 - no paths
        monkeypatch.setattr(sys, "stderr", terminal)
        code, out, _ = run("predict", folder / "0")
        shown = screen.read(65536).decode()
    number = len(list((folder / "0").iterdir()))
    assert code == 0
    assert len(out.splitlines()) == number + 1
    drawn = shown.split(progress.ERASE)
    assert f"] {number - 1} of {number}" in drawn[-2]
    assert drawn[1] == f"[{' ' * progress.WIDTH}] 0 of {number}"
    assert drawn[-1] == ""
    assert progress.ERASE not in out


def test_no_progress_line_without_terminal(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If standard error is no terminal, no progress line is drawn."""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    assert run("predict", folder)[2] == ""
