"""Faults of the service's environment: log, disks, clock, file descriptors, processes, threads.

Each scenario causes one fault under load. It checks that predictions are still answered, that the service
reports the fault, and that it recovers when the fault is over.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks.torture.client import PATIENCE_SECONDS, Client
from benchmarks.torture.report import Report
from benchmarks.torture.sampling import Sampler
from benchmarks.torture.service import STOP_SECONDS, Service, service
from benchmarks.torture.traffic import digits, get, mixed
from tests.server import ROOT

CONNECTIONS = 8
DROPPED = "digits_log_lines_dropped_total"
# Code that the service's Python runs first (sitecustomize); a number in a file controls it. Only the wall
# clock can be set: the monotonic clock never jumps.
STEPPED_CLOCK = """
import time
_true = time.time
time.time = lambda: _true() + state()
"""
FORK_THAT_FAILS = """
import os, errno
_fork = os.fork
def fork():
    if state():
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    return _fork()
os.fork = fork
"""
THREAD_THAT_FAILS = """
import threading
_start = threading._start_new_thread
def start(*arguments):
    if state():
        raise RuntimeError("can't start new thread")
    return _start(*arguments)
threading._start_new_thread = start
"""
STATE = """
def state():
    with open({path!r}) as file:
        return float(file.read() or 0)
"""
# A mount namespace in which every writable folder is a file system of one page, which is full.
FULL_DISKS = """
for folder in /dev/shm "$TMPDIR"; do
  mount -t tmpfs -o size=4k digits "$folder" && head -c 4096 /dev/zero >"$folder/ballast" || exit 1
done
exec "$@" >"$TMPDIR/log"
"""
DAY_SECONDS = 24 * 60 * 60
OPEN_FILES, CROWD = 64, 200


def blocked_log(seconds: float) -> Report:
    """Let nobody read the log, so that its pipe is full."""
    report = Report("nobody reads the log", seconds)
    reading, writing = os.pipe()
    try:
        with service(log=writing) as running:
            with Client(running.port, cycle(digits()), CONNECTIONS) as client:
                give_up = time.monotonic() + PATIENCE_SECONDS
                while not running.metric(DROPPED) and time.monotonic() < give_up:
                    time.sleep(0.1)
                full = client.answered
                _kill_one(running)
                time.sleep(seconds / 2)
                report.check(client.answered > full, "no responses while nobody reads the log")
            dropped = running.metric(DROPPED)
            report.check(dropped > 0, "no dropped line was counted")
            report.check(running.stop() == 0, "the exit code was not 0")
        report.count(client, may_cut_off=CONNECTIONS)
        os.set_blocking(reading, False)
        lines = _whole_lines(reading)
        report.add_figures({"lines kept": lines, "lines dropped": dropped})
    finally:
        os.close(reading)
        os.close(writing)
    return report


def _whole_lines(reading: int) -> int:
    """Return how many lines were written; raises ValueError if one is incomplete."""
    text = bytearray()
    try:
        while chunk := os.read(reading, 2**16):
            text += chunk
    except BlockingIOError:
        pass
    return len([json.loads(line) for line in text.decode().splitlines()])


def closed_log(seconds: float) -> Report:
    """Close the reading end of the log: every write to it fails."""
    report = Report("the log's reader is gone", seconds)
    reading, writing = os.pipe()
    with service(log=writing) as running:
        os.close(writing)
        os.close(reading)
        with Client(running.port, cycle(digits()), CONNECTIONS) as client:
            time.sleep(seconds / 2)
            _kill_one(running)
            time.sleep(seconds / 2)
        report.add_figures({"lines dropped": running.metric(DROPPED)})
        report.check(running.stop() == 0, "the exit code was not 0")
    report.count(client, may_cut_off=CONNECTIONS)
    return report


def can_mount() -> bool:
    """Return whether this user may mount a file system."""
    command = ["/usr/bin/unshare", "--mount", "mount", "-t", "tmpfs", "digits", "/mnt"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def full_disks(seconds: float) -> Report:
    """Fill every disk that the service writes to: for its log, its heartbeat, its uploads."""
    report = Report("the log's disk, /dev/shm and TMPDIR are full", seconds)
    with (
        tempfile.TemporaryDirectory() as name,
        service({"TMPDIR": name}, ("/usr/bin/unshare", "--mount", "sh", "-c", FULL_DISKS, "sh")) as running,
    ):
        client = Client(running.port, mixed(), CONNECTIONS)
        with client:
            time.sleep(seconds / 2)
            _kill_one(running)
            time.sleep(seconds / 2)
        report.count(client, may_cut_off=CONNECTIONS)
        dropped = running.metric(DROPPED)
        report.check(dropped > 0, "no dropped line was counted: was the disk full?")
        report.check(running.stop() == 0, "the exit code was not 0")
    return report


def _kill_one(running: Service) -> None:
    """Kill a worker, and wait until it is replaced."""
    victim = running.workers()[0]
    os.kill(victim, signal.SIGKILL)
    give_up = time.monotonic() + STOP_SECONDS
    while victim in (now := running.workers()) or len(now) < 2:
        if time.monotonic() > give_up:
            raise RuntimeError("a killed worker was not replaced")
        time.sleep(0.02)


def clock_jumps(seconds: float) -> Report:
    """Set the clock a day ahead, and two days back."""
    report = Report("the clock jumps by a day and back", seconds)
    with changed_python(STEPPED_CLOCK) as (variables, offset), service(variables) as running:
        with Client(running.port, mixed(), CONNECTIONS) as client:
            before, dates = running.workers(), [_date(running)]
            for jump in (DAY_SECONDS, -DAY_SECONDS):
                offset.write_text(str(jump))
                time.sleep(seconds / 2)
                dates.append(_date(running))
            report.check(
                len({date[:11] for date in dates}) == 3, f"the service's clock did not jump: {dates}"
            )
            report.check(running.workers() == before, "workers were replaced")
        report.count(client)
    return report


@contextmanager
def changed_python(change: str) -> Iterator[tuple[dict[str, str], Path]]:
    """Yield the environment in which Python runs this code first, and the file that controls it, now 0."""
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "state"
        state.write_text("0")
        (Path(name) / "sitecustomize.py").write_text(STATE.format(path=str(state)) + change)
        yield {"PYTHONPATH": f"{name}:{ROOT}"}, state


def _date(running: Service) -> str:
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
        client.sendall(get("/healthz"))
        return client.recv(1000).split(b"\r\nDate: ")[1].split(b"\r\n")[0].decode()


def out_of_descriptors(seconds: float) -> Report:
    """Allow 64 open files in a process, and let 200 clients connect and stay."""
    report = Report(f"{OPEN_FILES} descriptors, {CROWD} connections", seconds)
    with service(within=("prlimit", f"--nofile={OPEN_FILES}:{OPEN_FILES}")) as running, ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=30))
        client = Client(running.port, mixed(), CONNECTIONS)
        with client:
            time.sleep(seconds / 2)
        report.count(client, may_cut_off=client.sent // 100)
        sampler = Sampler(running, client)
        sampler.until(seconds / 2, seconds / 2)
        used = sampler.samples[-1].processor_seconds - sampler.samples[0].processor_seconds
        report.check(
            used < 0.25 * seconds / 2,
            f"an idle service used {used:.2f} s of processor time in {seconds / 2:g} s",
        )
        report.add_figures({"processor seconds a second, idle": round(used / (seconds / 2), 3)})
        stack.close()
        with Client(running.port, mixed(), CONNECTIONS) as after:
            time.sleep(seconds / 4)
        report.count(after)
    return report


def no_more_processes(seconds: float) -> Report:
    """Kill a worker while no process can be started; allow it again later."""
    return _no_more(FORK_THAT_FAILS, Report("no process can be started", seconds))


def no_more_threads(seconds: float) -> Report:
    """Kill a worker while no thread can be started, which a new worker needs; allow it again later."""
    return _no_more(THREAD_THAT_FAILS, Report("no thread can be started", seconds))


def _no_more(change: str, report: Report) -> Report:
    with changed_python(change) as (variables, state), service(variables) as running:
        state.write_text("1")
        with Client(running.port, mixed(), CONNECTIONS) as client:
            first = set(running.workers())
            time.sleep(report.seconds / 2)
            report.check(first == set(running.workers()), "a worker ended by itself")
            os.kill(min(first), signal.SIGKILL)
            time.sleep(report.seconds / 2)
            report.check(running.is_ready(), "the service is not ready with one worker")
            state.write_text("0")
            give_up = time.monotonic() + PATIENCE_SECONDS
            while running.metric("digits_workers") != 2 and time.monotonic() < give_up:
                time.sleep(0.05)
            report.check(running.metric("digits_workers") == 2, "the worker was not replaced after the fault")
        report.count(client, may_cut_off=CONNECTIONS)
        reported = [line for line in running.complaints() if "start" in line]
        report.check(bool(reported), "the log does not report that nothing can be started")
        report.check(running.stop() == 0, "the exit code was not 0")
    return report


FAULTS = (
    *(blocked_log, closed_log, full_disks, clock_jumps),
    *(out_of_descriptors, no_more_processes, no_more_threads),
)
