"""The image, built from the Dockerfile and run with the options that the documentation recommends."""

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

# Make the worker the kernel's first choice when memory is exhausted; then allocate until it is killed.
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
    """A container that is ready."""
    with container(podman, TAG, {}) as running:
        wait_until_ready(running)
        yield running


def wait_until_ready(running: Container) -> None:
    """Wait until the image's own health check succeeds."""
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


def test_image_reads_a_digit(running_image: Container, seven: bytes) -> None:
    """The container reads a digit, and its log is JSON."""
    assert answers(running_image, seven) == 7
    assert {json.loads(line)["level"] for line in running_image.log()} == {"info"}


def test_image_has_the_command_line(running_image: Container) -> None:
    """`check` runs in the image; its only error is the port that the service itself uses."""
    ended = running_image.run("python", "-m", "service", "check")
    assert ended.returncode == 1
    where = f"127.0.0.1, port {running_image.port}"
    assert ended.stderr == f"digits: can't listen on {where}: Address already in use\n"


def test_container_has_no_privileges(running_image: Container) -> None:
    """The service runs as nobody on a read-only file system, has no capabilities, and can't gain any."""
    status = dict(
        line.split(":\t", 1) for line in running_image.run("cat", "/proc/1/status").stdout.splitlines()
    )
    assert status["Uid"].split() == ["65534"] * 4
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    for folder in ("/", "/srv/digits", "/opt/digits", "/etc"):
        assert "Read-only file system" in running_image.run("touch", f"{folder}/x").stderr


def test_layers_are_small(podman: Podman) -> None:
    """The image adds less than 90 MB to its base, and contains no tests, no training and no caches."""
    assert podman.size(TAG) - podman.size(BASE) < MOST_BYTES
    with container(podman, TAG, {}) as running:
        found = running.run("find", "/srv/digits", "/opt/digits", "-name", "__pycache__").stdout
        kept = running.run("ls", "/srv/digits").stdout.split()
    assert (found, kept) == ("", ["models", "service"])


def test_out_of_memory(podman: Podman, seven: bytes) -> None:
    """When the kernel kills a worker because memory is exhausted, it is replaced, and its counts stay."""
    with container(podman, TAG, {"DIGITS_WORKERS": "1"}) as running:
        wait_until_ready(running)
        assert answers(running, seven) == 7
        worker = running.run("cat", "/proc/1/task/1/children").stdout.split()[0]
        # The program that allocates the memory may be killed, too, before the worker has exited.
        assert running.run("python", "-c", USE_ALL_MEMORY, worker).returncode in {0, KILLED}
        wait_until_ready(running)
        assert answers(running, seven) == 7
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        assert 'digits_predictions_total{digit="7"} 2.0' in text
        assert "digits_worker_exits_total 1.0" in text


def test_rate_limit_on_read_only_file_system(podman: Podman, seven: bytes) -> None:
    """Rate limits need no writable disk; metrics on their own port count the refusals."""
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


def test_stop_answers_pending_requests(podman: Podman) -> None:
    """A container that is stopped while it reads a photo answers the request, and exits with 0."""
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
        time.sleep(0.1)  # until the photo is being read; the claim holds otherwise, too
        podman("stop", "--time", "30", running.number)
        asking.join()
        state = podman("inspect", running.number, "--format", "{{.State.ExitCode}}")
    assert (statuses, state) == ([200], "0")
