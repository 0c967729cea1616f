"""Load: more than can be answered, workers that are killed, and an hour of everything."""

import os
import random
import signal
import time
from itertools import pairwise

from benchmarks.torture.asks import FORM_FILES, digits, forms, mixed, only
from benchmarks.torture.client import UNAVAILABLE, Client
from benchmarks.torture.report import Report
from benchmarks.torture.service import service
from benchmarks.torture.watch import Watch, growth

TIMES, CROWD_CONNECTIONS = 4, 256
OK = 200
# No more than one worker alone has room for: without a kill or an overload, nothing is turned away.
CALM_CONNECTIONS = 16
CAPACITY_SECONDS = 3
# How much more of a thing the second half may use than the first; and how many megabytes are noise.
MOST_GROWTH, NOISE_MB = 0.05, 4.0
# Breaks come when a worker is killed, or as soon after as the system tells.
BREAK_SECONDS = 1.0
KILL_SECONDS = 0.5, 2.0
# What is less is no trend: buffers for the first large requests are still made, and in the few samples of a
# minute the connections that come and go are a tenth of all descriptors.
TREND_SECONDS = 300.0
SOAK_CONNECTIONS, SOAK_RATE = 16, 180.0
SAMPLE_SECONDS = 10.0


def overload(seconds: float) -> Report:
    """Ask for four times what it can answer, in forms of many images: dearer to answer than to ask for."""
    report = Report(f"overload: {TIMES} × capacity, in forms of {FORM_FILES} images", seconds)
    asks, short = forms(), min(CAPACITY_SECONDS, seconds)
    with service() as running:
        before = _asked(Client(running.port, only(asks), CALM_CONNECTIONS), short, report)
        capacity = before.of_status(OK) / short
        crowd = Client(running.port, only(asks), CROWD_CONNECTIONS, rate=TIMES * capacity, turns_away=True)
        with crowd:
            watch = Watch(running, crowd)
            watch.until(seconds, min(SAMPLE_SECONDS, seconds / 10))
        report.count(crowd)
        # From the first moment on, none of these may be turned away.
        after = _asked(Client(running.port, only(asks), CALM_CONNECTIONS), short, report)
    report.samples = watch.samples
    _is_flat(report)
    turned_away = crowd.of_status(UNAVAILABLE)
    report.hold(turned_away > 0, "nothing was turned away: it was no overload")
    report.tell(
        {
            "capacity, forms a second": round(capacity),
            "asked a second": round(crowd.asked / seconds),
            "answered 200 a second": round(crowd.of_status(OK) / seconds),
            "turned away": f"{turned_away / crowd.answered:.0%}",
            "p99 ms before": before.milliseconds(0.99),
            "p99 ms of the 200s": crowd.milliseconds(0.99),
            "p99 ms after": after.milliseconds(0.99),
            "forms a second after": round(after.of_status(OK) / short),
        }
    )
    return report


def _asked(client: Client, seconds: float, report: Report) -> Client:
    """Let a client ask for so long, and count what it has seen."""
    with client:
        time.sleep(seconds)
    report.count(client)
    return client


def kills(seconds: float) -> Report:
    """Kill a worker, chosen at random, every second or so, under full load."""
    report = Report("workers killed at random (SIGKILL)", seconds)
    rng = random.Random(1)  # noqa: S311 - a choice, no secret
    moments = []
    with service() as running:
        client = Client(running.port, only(digits()), CALM_CONNECTIONS)
        with client:
            watch = Watch(running, client)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(rng.uniform(*KILL_SECONDS))
                if workers := running.workers():
                    moments.append(time.monotonic())
                    os.kill(rng.choice(workers), signal.SIGKILL)
                if time.monotonic() - watch.began > len(watch.samples) * SAMPLE_SECONDS:
                    watch.take()
        time.sleep(BREAK_SECONDS)
        watch.take()
        counted = running.metric("digits_predictions_total")
        exits = running.metric("digits_worker_exits_total")
        report.hold(len(running.workers()) == 2, "not every killed worker was replaced")
    report.count(client, may_break=len(moments) * CALM_CONNECTIONS)
    stray = [
        each for each in client.breaks if not any(0 <= each.moment - m <= BREAK_SECONDS for m in moments)
    ]
    report.hold(not stray, f"{len(stray)} connections broke while nobody was killed")
    worst = max(
        (
            sum(0 <= each.moment - m < n - m for each in client.breaks)
            for m, n in pairwise([*moments, end + 9])
        ),
        default=0,
    )
    report.hold(worst <= CALM_CONNECTIONS, f"a kill cost {worst} requests")
    answered, broken = client.of_status(200), len(client.breaks)
    report.hold(
        answered <= counted <= answered + broken,
        f"{counted:g} counted of {answered} answers, {broken} broken",
    )
    report.hold(exits == len(moments), f"{exits:g} exits counted of {len(moments)}")
    report.samples = watch.samples
    report.tell(
        {
            "killed": len(moments),
            "cut off": broken,
            "most by one kill": worst,
            "counted beyond what arrived": counted - answered,
            "answers a second": round(answered / seconds),
        }
    )
    return report


def soak(seconds: float) -> Report:
    """Good and bad, small and large, quick and slow, at a modest rate, for long."""
    report = Report("soak: mixed traffic", seconds)
    with service() as running:
        client = Client(running.port, mixed(), SOAK_CONNECTIONS, rate=SOAK_RATE)
        with client:
            watch = Watch(running, client)
            watch.until(seconds, min(SAMPLE_SECONDS, seconds / 20))
        exits = running.metric("digits_worker_exits_total")
        report.hold(exits == 0, f"{exits:g} workers ended")
        surprises = [line for line in running.complaints() if '"warning"' not in line]
        report.hold(not surprises, f"{len(surprises)} errors in the log: {surprises[:1]}")
        code = running.stop()
        report.hold(code == 0, f"it ended with {code}")
    report.count(client)
    report.samples = watch.samples
    _is_flat(report)
    used = watch.samples[-1].processor_seconds - watch.samples[0].processor_seconds
    report.tell(
        {
            "requests a second": round(client.answered / seconds, 1),
            "kinds": len({kind for kind, _ in client.statuses}),
            "answers below 500": client.answered - client.of_status(*range(500, 600)),
            "503 (no room for another photo)": client.of_status(UNAVAILABLE),
            "cores used": round(used / seconds, 2),
        }
    )
    return report


def _is_flat(report: Report) -> None:
    """Find whether the second half of the time used more than the first."""
    samples = report.samples
    if samples[-1].seconds < TREND_SECONDS:
        return
    for name in ("pss_mb", "rss_mb", "descriptors", "threads", "files"):
        share = growth(samples, name)
        report.tell({f"{name}, most": max(getattr(sample, name) for sample in samples)})
        report.tell({f"{name}, growth": f"{share:+.1%}"})
        noise = NOISE_MB if name.endswith("mb") else 2.0
        first = getattr(samples[len(samples) // 2], name)
        report.hold(share <= max(MOST_GROWTH, noise / max(first, 1)), f"{name} grew by {share:.1%}")


LOADS = (overload, kills, soak)
