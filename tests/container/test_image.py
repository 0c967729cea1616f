"""The image: built from the Dockerfile, run as the README says to, and treated as an operator would."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.serving.server import free_ports
from tests.container.podman import Container, Podman, base_image, container
from tests.needs import need, skip
from tests.server import ROOT, post_png
from tests.service.conftest import png

TAG = f"localhost/digits-test-{os.getpid()}"
BASE = f"localhost/digits-test-base-{os.getpid()}"
READY_SECONDS = 60
KILLED = 128 + signal.SIGKILL
MOST_BYTES = 90_000_000

# The worker is made the first to be ended for want of memory; then there is want of memory, until it is gone.
USE_ALL_MEMORY = """
import os, pathlib, sys
worker = pathlib.Path("/proc") / sys.argv[1]
(worker / "oom_score_adj").write_text("1000")
held = []
while worker.exists():
    held.append(os.urandom(1 << 20))
"""


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Podman, with the image built."""
    if os.geteuid() != 0:
        skip("to make a base image and to run it takes root")
    program, *_ = map(need, ("podman", "runc", "mmdebstrap"))
    found = Podman(program, tmp_path_factory.mktemp("podman"))
    base_image(found, BASE)
    found(
        *("build", "--isolation=chroot", "--network=host", "--format=docker", "--pull=never"),
        *("--build-arg", f"BASE={BASE}", "--tag", TAG, str(ROOT)),
    )
    yield found
    found("rmi", "--force", TAG, BASE, check=False)
    found("image", "prune", "--force", check=False)


@pytest.fixture(scope="session")
def running_image(podman: Podman) -> Iterator[Container]:
    """A container of it, ready."""
    with container(podman, TAG, {}) as running:
        wait_until_ready(running)
        yield running


def wait_until_ready(running: Container) -> None:
    """Wait until it says so itself, by the image's own health check."""
    give_up = time.monotonic() + READY_SECONDS
    while running.podman.attempt("healthcheck", "run", running.number).returncode:
        assert time.monotonic() < give_up, "\n".join(running.log())
        time.sleep(0.2)


def answers(running: Container, body: bytes) -> int:
    """Post a PNG and return the digit."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    digit: int = post_png(connection, body)[1]["digit"]
    connection.close()
    return digit


pytestmark = pytest.mark.xdist_group("podman")


def test_a_png_gets_its_digit(running_image: Container, seven: bytes) -> None:
    """The container reads a digit, and its log is JSON."""
    assert answers(running_image, seven) == 7
    assert {json.loads(line)["level"] for line in running_image.log()} == {"info"}


def test_its_command_line_is_there(running_image: Container) -> None:
    """The check finds nothing wrong but that the port is taken: the service has it."""
    ended = running_image.run("python", "-m", "service", "check")
    assert ended.returncode == 1
    where = f"127.0.0.1, port {running_image.port}"
    assert ended.stderr == f"digits: can't listen on {where}: Address already in use\n"


def test_it_can_do_no_more_than_it_must(running_image: Container) -> None:
    """It runs as nobody, on a system that can't be written to, without capabilities, and can't get any."""
    status = dict(
        line.split(":\t", 1) for line in running_image.run("cat", "/proc/1/status").stdout.splitlines()
    )
    assert status["Uid"].split() == ["65534"] * 4
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    for folder in ("/", "/srv/digits", "/opt/digits", "/etc"):
        assert "Read-only file system" in running_image.run("touch", f"{folder}/x").stderr


def test_the_layers_are_small(podman: Podman) -> None:
    """What the image adds to its base is less than 90 MB, and holds no test, no training and no cache."""
    assert podman.size(TAG) - podman.size(BASE) < MOST_BYTES
    with container(podman, TAG, {}) as running:
        found = running.run("find", "/srv/digits", "/opt/digits", "-name", "__pycache__").stdout
        kept = running.run("ls", "/srv/digits").stdout.split()
    assert (found, kept) == ("", ["models", "service"])


def test_a_worker_that_runs_out_of_memory_is_replaced(podman: Podman, seven: bytes) -> None:
    """When the system ends a worker for want of memory, the container goes on, and so does its count."""
    with container(podman, TAG, {"DIGITS_WORKERS": "1"}) as running:
        wait_until_ready(running)
        assert answers(running, seven) == 7
        worker = running.run("cat", "/proc/1/task/1/children").stdout.split()[0]
        # Who wants all the memory may be the next to be ended, before the worker is gone altogether.
        assert running.run("python", "-c", USE_ALL_MEMORY, worker).returncode in {0, KILLED}
        wait_until_ready(running)
        assert answers(running, seven) == 7
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        assert 'digits_predictions_total{digit="7"} 2.0' in text
        assert "digits_worker_exits_total 1.0" in text


def test_limits_need_no_place_on_the_disk(podman: Podman, seven: bytes) -> None:
    """On a system that can't be written to, with metrics on their own port, clients are limited as well."""
    limits = {"DIGITS_RATE_LIMIT": "0.001", "DIGITS_RATE_BURST": "3"}
    port, _ = free_ports()
    with container(podman, TAG, limits | {"DIGITS_METRICS_PORT": str(port)}) as running:
        wait_until_ready(running)
        connections = [http.client.HTTPConnection("127.0.0.1", at, timeout=30) for at in (running.port, port)]
        main, metrics = connections
        assert [post_png(main, seven)[0] for _ in range(4)] == [200, 200, 200, 429]
        metrics.request("GET", "/metrics")
        assert 'route="/predict",status="429"} 1.0' in metrics.getresponse().read().decode()
        for connection in connections:
            connection.close()


def test_it_ends_what_it_has_begun(podman: Podman) -> None:
    """Told to stop while it reads a photo, it answers, and ends with 0."""
    photo = png(np.random.default_rng(1).integers(0, 256, (2000, 2000)).astype(np.uint8))
    with container(podman, TAG, {}) as running:
        wait_until_ready(running)
        statuses: list[int] = []

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
            statuses.append(post_png(connection, photo)[0])
            connection.close()

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.1)  # for the photo to be on its way; were it not, the claim would hold as well
        podman("stop", "--time", "30", running.number)
        asking.join()
        state = podman("inspect", running.number, "--format", "{{.State.ExitCode}}")
    assert (statuses, state) == ([200], "0")
