"""Load: overload, workers killed at random, and an hour of mixed traffic."""

import os
import random
import signal
import time
from itertools import cycle, pairwise

from benchmarks.torture.client import UNAVAILABLE, Client
from benchmarks.torture.report import Report
from benchmarks.torture.sampling import Sampler, growth
from benchmarks.torture.service import service
from benchmarks.torture.traffic import FORM_FILES, digits, forms, mixed

OVERLOAD_FACTOR, CROWD_CONNECTIONS = 4, 256
OK = 200
# As many as one worker can queue alone: nothing is rejected without a kill or an overload.
CALM_CONNECTIONS = 16
CAPACITY_SECONDS = 3
# The growth from the first half to the second that is allowed, and the megabytes that are noise.
MOST_GROWTH, NOISE_MB = 0.05, 4.0
# A connection breaks at most this long after its worker was killed.
BREAK_SECONDS = 1.0
KILL_SECONDS = 0.5, 2.0
# A shorter run shows no trend: buffers for the first large requests are still being allocated, and
# connections that come and go are a tenth of all descriptors.
TREND_SECONDS = 300.0
SOAK_CONNECTIONS, SOAK_RATE = 16, 180.0
SAMPLE_SECONDS = 10.0


def overload(seconds: float) -> Report:
    """Send four times the capacity, in forms of many images, which cost the service more than the client."""
    report = Report(f"overload: {OVERLOAD_FACTOR} × capacity, in forms of {FORM_FILES} images", seconds)
    requests, short = forms(), min(CAPACITY_SECONDS, seconds)
    with service() as running:
        before = _counted(Client(running.port, cycle(requests), CALM_CONNECTIONS), short, report)
        capacity = before.of_status(OK) / short
        rate = OVERLOAD_FACTOR * capacity
        crowd = Client(running.port, cycle(requests), CROWD_CONNECTIONS, rate=rate, expects_rejections=True)
        with crowd:
            sampler = Sampler(running, crowd)
            sampler.until(seconds, min(SAMPLE_SECONDS, seconds / 10))
        report.count(crowd)
        # After the overload, no request may be rejected, not even the first.
        after = _counted(Client(running.port, cycle(requests), CALM_CONNECTIONS), short, report)
    report.samples = sampler.samples
    _check_growth(report)
    rejected = crowd.of_status(UNAVAILABLE)
    report.check(rejected > 0, "nothing was rejected: there was no overload")
    report.add_figures(
        {
            "capacity, forms a second": round(capacity),
            "sent a second": round(crowd.sent / seconds),
            "answered 200 a second": round(crowd.of_status(OK) / seconds),
            "rejected": f"{rejected / crowd.answered:.0%}",
            "p99 ms before": before.milliseconds(0.99),
            "p99 ms of the 200s": crowd.milliseconds(0.99),
            "p99 ms after": after.milliseconds(0.99),
            "forms a second after": round(after.of_status(OK) / short),
        }
    )
    return report


def _counted(client: Client, seconds: float, report: Report) -> Client:
    """Let a client send for so many seconds, and add its counts to the report."""
    with client:
        time.sleep(seconds)
    report.count(client)
    return client


def kills(seconds: float) -> Report:
    """Kill a random worker every one or two seconds, under full load."""
    report = Report("workers killed at random (SIGKILL)", seconds)
    rng = random.Random(1)  # noqa: S311 - a choice, no secret
    moments = []
    with service() as running:
        client = Client(running.port, cycle(digits()), CALM_CONNECTIONS)
        with client:
            sampler = Sampler(running, client)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(rng.uniform(*KILL_SECONDS))
                if workers := running.workers():
                    moments.append(time.monotonic())
                    os.kill(rng.choice(workers), signal.SIGKILL)
                if time.monotonic() - sampler.began > len(sampler.samples) * SAMPLE_SECONDS:
                    sampler.take()
        time.sleep(BREAK_SECONDS)
        sampler.take()
        counted = running.metric("digits_predictions_total")
        exits = running.metric("digits_worker_exits_total")
        report.check(len(running.workers()) == 2, "not every killed worker was replaced")
    report.count(client, may_cut_off=len(moments) * CALM_CONNECTIONS)
    stray = [
        each for each in client.cut_off if not any(0 <= each.moment - m <= BREAK_SECONDS for m in moments)
    ]
    report.check(not stray, f"{len(stray)} requests were cut off while no worker was killed")
    worst = max(
        (
            sum(0 <= each.moment - m < n - m for each in client.cut_off)
            for m, n in pairwise([*moments, end + 9])
        ),
        default=0,
    )
    report.check(worst <= CALM_CONNECTIONS, f"a kill cut off {worst} requests")
    answered, cut_off = client.of_status(200), len(client.cut_off)
    report.check(
        answered <= counted <= answered + cut_off,
        f"{counted:g} predictions counted, {answered} received, {cut_off} cut off",
    )
    report.check(exits == len(moments), f"{exits:g} exits counted, {len(moments)} workers killed")
    report.samples = sampler.samples
    report.add_figures(
        {
            "killed": len(moments),
            "cut off": cut_off,
            "most cut off by one kill": worst,
            "counted but not received": counted - answered,
            "answers a second": round(answered / seconds),
        }
    )
    return report


def soak(seconds: float) -> Report:
    """Send all kinds of requests at a moderate rate, for long."""
    report = Report("soak: mixed traffic", seconds)
    with service() as running:
        client = Client(running.port, mixed(), SOAK_CONNECTIONS, rate=SOAK_RATE)
        with client:
            sampler = Sampler(running, client)
            sampler.until(seconds, min(SAMPLE_SECONDS, seconds / 20))
        exits = running.metric("digits_worker_exits_total")
        report.check(exits == 0, f"{exits:g} workers exited")
        errors = [line for line in running.complaints() if '"warning"' not in line]
        report.check(not errors, f"{len(errors)} errors in the log: {errors[:1]}")
        code = running.stop()
        report.check(code == 0, f"the exit code was {code}")
    report.count(client)
    report.samples = sampler.samples
    _check_growth(report)
    used = sampler.samples[-1].processor_seconds - sampler.samples[0].processor_seconds
    report.add_figures(
        {
            "requests a second": round(client.answered / seconds, 1),
            "kinds": len({kind for kind, _ in client.statuses}),
            "answers below 500": client.answered - client.of_status(*range(500, 600)),
            "503 (no room for another photo)": client.of_status(UNAVAILABLE),
            "cores used": round(used / seconds, 2),
        }
    )
    return report


def _check_growth(report: Report) -> None:
    """Check that the second half of the run used no more resources than the first."""
    samples = report.samples
    if samples[-1].seconds < TREND_SECONDS:
        return
    for name in ("pss_mb", "rss_mb", "descriptors", "threads", "files"):
        share = growth(samples, name)
        report.add_figures({f"{name}, most": max(getattr(sample, name) for sample in samples)})
        report.add_figures({f"{name}, growth": f"{share:+.1%}"})
        noise = NOISE_MB if name.endswith("mb") else 2.0
        first = getattr(samples[len(samples) // 2], name)
        report.check(share <= max(MOST_GROWTH, noise / max(first, 1)), f"{name} grew by {share:.1%}")


LOADS = (overload, kills, soak)
