"""The service stops, reloads and is replaced while it is asked: nobody is to notice."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.serving.server import free_ports
from benchmarks.torture.asks import digits, mixed, only
from benchmarks.torture.client import Client
from benchmarks.torture.report import Report
from benchmarks.torture.service import service
from tests.server import ROOT

CONNECTIONS = 16
# Who connects in the very moment in which the door is shut is cut off: between the last look at who waits and
# the end of the socket, the system lets clients in. It is a moment for each worker.
AT_THE_DOOR = 2
DRAIN_SECONDS = 2
# gunicorn's graceful_timeout, and what comes on top of it.
GRACE_SECONDS = 32
# Longer than nginx leaves alone what has failed.
AFTER_A_RESTART_SECONDS = 1.5
CONFIGURATION = ROOT / "deploy" / "nginx" / "digits.conf"
# What belongs around that file where nginx is not the system's: its own folder, no other process's files.
NGINX = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/digits.conf;
}}
"""


def stop_under_load(seconds: float) -> Report:
    """SIGTERM while all connections are busy: what has begun is answered, then it ends with 0."""
    report = Report("SIGTERM under load", seconds)
    with service() as running:
        client = Client(running.port, mixed(without=["readyz"]), CONNECTIONS)
        with client:
            time.sleep(seconds / 2)
            began = time.monotonic()
            code = running.stop()
            took = time.monotonic() - began
        report.count(client, may_break=AT_THE_DOOR)
        report.hold(code == 0, f"it ended with {code}")
        report.hold(took < GRACE_SECONDS, f"it took {took:.1f} s")
        report.tell({"seconds to stop": round(took, 2)})
    return report


def drain_under_load(seconds: float) -> Report:
    """SIGTERM with a time to drain: not ready at once, answering until it is over."""
    report = Report(f"SIGTERM with {DRAIN_SECONDS} s to drain", seconds)
    with service({"DIGITS_DRAIN_SECONDS": str(DRAIN_SECONDS)}) as running:
        client = Client(running.port, only(digits()), CONNECTIONS)
        with client:
            time.sleep(seconds / 4)
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            while (status := running.get("/readyz")[0]) == 200:
                time.sleep(0.01)
            report.hold(status == 503, f"/readyz says {status}")
            report.tell({"seconds until not ready": round(time.monotonic() - began, 2)})
            before = client.right
            time.sleep(DRAIN_SECONDS / 2)
            report.hold(client.right > before, "no answers while it drains")
            code = running.process.wait(GRACE_SECONDS)
        took = time.monotonic() - began
        report.count(client, may_break=AT_THE_DOOR)
        report.hold(code == 0, f"it ended with {code}")
        report.hold(took >= DRAIN_SECONDS, f"it went after {took:.1f} s")
    return report


def reload_under_load(seconds: float) -> Report:
    """SIGHUP again and again: each worker is replaced, and no request fails."""
    report = Report("SIGHUP under load", seconds)
    reloads = 0
    with service() as running:
        client = Client(running.port, mixed(), CONNECTIONS)
        with client:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                old = set(running.workers())
                running.process.send_signal(signal.SIGHUP)
                while old & set(running.workers()):
                    time.sleep(0.02)
                reloads += 1
        report.count(client)
        report.tell({"reloads": reloads})
    return report


def rolling_restart(seconds: float) -> Report:
    """Two instances behind nginx are restarted in turn, again and again, and no request fails."""
    report = Report("rolling restart behind nginx", seconds)
    ports = free_ports()
    restarts = 0
    settings = [{"DIGITS_PORT": str(port), "DIGITS_DRAIN_SECONDS": "1"} for port in ports]
    with ExitStack() as stack:
        stacks = [stack.enter_context(ExitStack()) for _ in ports]
        running = [each.enter_context(service(one)) for each, one in zip(stacks, settings, strict=True)]
        front = stack.enter_context(nginx(ports))
        client = Client(front, only(digits()), CONNECTIONS)
        with client:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for at, one in enumerate(settings):
                    report.hold(running[at].stop() == 0, "an instance did not stop as it should")
                    stacks[at].close()
                    running[at] = stacks[at].enter_context(service(one))
                    time.sleep(AFTER_A_RESTART_SECONDS)
                    restarts += 1
        report.count(client)
        report.tell({"restarts": restarts})
    return report


def master_killed(seconds: float) -> Report:
    """Kill the master: its workers go by themselves, and another service takes over the port."""
    report = Report("the master is killed (SIGKILL)", seconds)
    with service() as running, ExitStack() as next_one:
        settings = {"DIGITS_PORT": str(running.port)}
        client = Client(running.port, mixed(without=["slow"]), CONNECTIONS)
        with client:
            time.sleep(seconds / 2)
            orphans = running.workers()
            running.process.kill()
            running.process.wait()
            began = time.monotonic()
            next_one.enter_context(service(settings))
            report.tell({"seconds until the next one is ready": round(time.monotonic() - began, 1)})
            _wait_until(
                lambda: not any(Path(f"/proc/{orphan}").exists() for orphan in orphans), GRACE_SECONDS
            )
            time.sleep(seconds / 2)
        report.count(client, may_break=AT_THE_DOOR)
    return report


@contextmanager
def nginx(ports: tuple[int, ...]) -> Iterator[int]:
    """Run nginx with the configuration that we recommend, before services at these ports; yield its own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, front = Path(name), free_ports()[0]
        # Its workers are nobody.
        folder.chmod(0o755)
        text = CONFIGURATION.read_text(encoding="utf-8")
        for number, port in enumerate(ports, 1):
            text = text.replace(f"digits-{number}:8080", f"127.0.0.1:{port}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{front};")
        (folder / "digits.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
        command = ["nginx", "-p", name, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        process = stack.enter_context(subprocess.Popen(command))
        stack.callback(process.terminate)
        _wait_until(lambda: _listens(front), 10)
        yield front


def _is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until(holds: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            raise RuntimeError(f"it did not happen within {seconds:g} s")
        time.sleep(0.02)


ENDS = (stop_under_load, drain_under_load, reload_under_load, rolling_restart, master_killed)
