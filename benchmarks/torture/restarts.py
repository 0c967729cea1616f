"""The service stops, reloads, and is restarted under load: clients must not notice."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks.serving.server import free_ports
from benchmarks.torture.client import Client
from benchmarks.torture.report import Report
from benchmarks.torture.service import service
from benchmarks.torture.traffic import digits, mixed
from tests.server import ROOT

CONNECTIONS = 16
# Between a worker's last accept() and the close of its listening socket, the kernel may accept a connection,
# which is then cut off: at most one for each worker.
CUT_OFF_BY_STOP = 2
DRAIN_SECONDS = 2
# gunicorn's graceful_timeout, and a margin.
GRACE_SECONDS = 32
# Longer than nginx avoids a server that has failed.
AFTER_A_RESTART_SECONDS = 1.5
CONFIGURATION = ROOT / "deploy" / "nginx" / "digits.conf"
# The configuration around that file, for an nginx that writes to a folder of its own.
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
    """SIGTERM while all connections are busy: pending requests are answered; the exit code is 0."""
    report = Report("SIGTERM under load", seconds)
    with service() as running:
        client = Client(running.port, mixed(without=["readyz"]), CONNECTIONS)
        with client:
            time.sleep(seconds / 2)
            began = time.monotonic()
            code = running.stop()
            took = time.monotonic() - began
        report.count(client, may_cut_off=CUT_OFF_BY_STOP)
        report.check(code == 0, f"the exit code was {code}")
        report.check(took < GRACE_SECONDS, f"the stop took {took:.1f} s")
        report.add_figures({"seconds to stop": round(took, 2)})
    return report


def drain_under_load(seconds: float) -> Report:
    """SIGTERM with a drain time: /readyz answers 503 at once, all else is answered until the time is over."""
    report = Report(f"SIGTERM with {DRAIN_SECONDS} s to drain", seconds)
    with service({"DIGITS_DRAIN_SECONDS": str(DRAIN_SECONDS)}) as running:
        client = Client(running.port, cycle(digits()), CONNECTIONS)
        with client:
            time.sleep(seconds / 4)
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            while (status := running.get("/readyz")[0]) == 200:
                time.sleep(0.01)
            report.check(status == 503, f"/readyz answers {status} while the service drains")
            report.add_figures({"seconds until not ready": round(time.monotonic() - began, 2)})
            before = client.correct
            time.sleep(DRAIN_SECONDS / 2)
            report.check(client.correct > before, "no responses while the service drains")
            code = running.process.wait(GRACE_SECONDS)
        took = time.monotonic() - began
        report.count(client, may_cut_off=CUT_OFF_BY_STOP)
        report.check(code == 0, f"the exit code was {code}")
        report.check(took >= DRAIN_SECONDS, f"it exited after {took:.1f} s")
    return report


def reload_under_load(seconds: float) -> Report:
    """SIGHUP repeatedly: all workers are replaced, and no request fails."""
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
        report.add_figures({"reloads": reloads})
    return report


def rolling_restart(seconds: float) -> Report:
    """Restart two instances behind nginx in turn, repeatedly: no request fails."""
    report = Report("rolling restart behind nginx", seconds)
    ports = free_ports()
    restarts = 0
    settings = [{"DIGITS_PORT": str(port), "DIGITS_DRAIN_SECONDS": "1"} for port in ports]
    with ExitStack() as stack:
        stacks = [stack.enter_context(ExitStack()) for _ in ports]
        running = [each.enter_context(service(one)) for each, one in zip(stacks, settings, strict=True)]
        front = stack.enter_context(nginx(ports))
        client = Client(front, cycle(digits()), CONNECTIONS)
        with client:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for at, one in enumerate(settings):
                    report.check(running[at].stop() == 0, "the exit code of an instance was not 0")
                    stacks[at].close()
                    running[at] = stacks[at].enter_context(service(one))
                    time.sleep(AFTER_A_RESTART_SECONDS)
                    restarts += 1
        report.count(client)
        report.add_figures({"restarts": restarts})
    return report


def master_killed(seconds: float) -> Report:
    """Kill the master: its workers exit by themselves, and another service takes over the port."""
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
            report.add_figures({"seconds until the next one is ready": round(time.monotonic() - began, 1)})
            _wait_until(
                lambda: not any(Path(f"/proc/{orphan}").exists() for orphan in orphans), GRACE_SECONDS
            )
            time.sleep(seconds / 2)
        report.count(client, may_cut_off=CUT_OFF_BY_STOP)
    return report


@contextmanager
def nginx(ports: tuple[int, ...]) -> Iterator[int]:
    """Run nginx with the recommended configuration, before services at these ports; yield its own port."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, front = Path(name), free_ports()[0]
        # nginx's workers run as nobody, and must read the folder.
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
            raise RuntimeError(f"the expected state was not reached within {seconds:g} s")
        time.sleep(0.02)


RESTARTS = (stop_under_load, drain_under_load, reload_under_load, rolling_restart, master_killed)
