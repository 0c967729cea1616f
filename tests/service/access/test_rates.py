"""Token buckets: each client's requests are counted exactly, over threads and processes."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import rates
from service.access.rates import NS_PER_SECOND, SLOTS, Buckets
from service.settings import MAX_BURST, RATE_LIMITS
from tests.server import ROOT
from tests.service.access.contention import KILLED, TOKENS

RATES = st.floats(0.01, 1e6)


def test_a_burst_then_a_steady_rate() -> None:
    """A full bucket grants a burst at once, then tokens at the rate; after a pause, a burst again."""
    buckets = Buckets(rate=2, burst=3)
    assert [buckets.take(b"a", 0).left for _ in range(3)] == [2, 1, 0]
    refused = buckets.take(b"a", 0)
    assert (refused.wait_ns, refused.full_ns) == (NS_PER_SECOND // 2, 3 * NS_PER_SECOND // 2)
    assert buckets.take(b"a", refused.wait_ns - 1).wait_ns == 1
    assert buckets.take(b"a", refused.wait_ns).wait_ns == 0
    later = 100 * NS_PER_SECOND
    assert [bool(buckets.take(b"a", later).wait_ns) for _ in range(4)] == [False, False, False, True]


@given(RATES, st.integers(1, 50), st.lists(st.integers(0, 10**9), min_size=1, max_size=100))
def test_never_more_than_the_bucket_holds(rate: float, burst: int, pauses: list[int]) -> None:
    """For any sequence of requests: at most a burst plus the rate; a wait is as long as announced."""
    buckets = Buckets(rate, burst)
    now = given = 0
    for pause in pauses:
        now += pause
        taken = buckets.take(b"a", now)
        given += not taken.wait_ns
        assert 0 <= taken.left < burst
        assert given <= burst + now / buckets.token_ns
        if taken.wait_ns:
            assert buckets.take(b"a", now + taken.wait_ns - 1).wait_ns == 1


def test_the_extreme_settings_work() -> None:
    """The largest bucket at the slowest rate, and the fastest rate, fit into a slot."""
    slow = Buckets(RATE_LIMITS[0], MAX_BURST)
    assert slow.take(b"a").left == MAX_BURST - 1
    assert not Buckets(RATE_LIMITS[1], 1).take(b"a").wait_ns


def test_clients_have_buckets_of_their_own() -> None:
    """A thousand clients that spend all their tokens take none of any other client's."""
    buckets = Buckets(rate=1, burst=2)
    for client in range(1000):
        name = b"%d" % client
        assert [bool(buckets.take(name, 0).wait_ns) for _ in range(3)] == [False, False, True]


def test_a_full_row_forgives_and_never_accuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more clients in a row than slots, the fullest bucket is replaced; a new client starts full."""
    monkeypatch.setattr(rates, "ROWS", 1)
    buckets = Buckets(rate=1, burst=10)
    spent = [b"%d" % client for client in range(SLOTS)]
    for number, client in enumerate(spent, 2):
        for _ in range(number):
            buckets.take(client, 0)
    assert buckets.take(b"new", 0).left == 9
    left = [buckets.take(client, 0).left for client in spent[1:]]
    assert left == [6, 5, 4, 3, 2, 1, 0]


def contend(scenario: str) -> int:
    """Run a scenario of contention.py, and return the number that it prints."""
    command = [sys.executable, "-m", "tests.service.access.contention", scenario]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120).stdout)


def test_processes_share_them_exactly() -> None:
    """Four processes get exactly the tokens of one bucket: none is lost and none is granted twice."""
    assert contend("together") == TOKENS


def test_a_killed_process_leaves_no_lock() -> None:
    """A process killed while it takes tokens releases its lock: others can still take tokens."""
    assert contend("killed") == KILLED
