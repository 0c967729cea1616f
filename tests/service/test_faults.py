"""Load and faults, each for some seconds: what `make torture` does for long."""

from collections.abc import Callable

import pytest

from benchmarks.torture import faults, load, restarts
from benchmarks.torture.report import Report
from tests.needs import need, skip

SECONDS = 3.0
# The processor is what they all want: one after the other, beside whatever else runs.
pytestmark = pytest.mark.xdist_group("faults")


@pytest.mark.parametrize("scenario", [*load.LOADS, *restarts.RESTARTS, *faults.FAULTS])
def test_the_service_stands(scenario: Callable[[float], Report]) -> None:
    """No request is lost but those of a worker that was killed, no 5xx but 503, and it recovers by itself."""
    if scenario is restarts.rolling_restart:
        need("nginx")
    if scenario is faults.full_disks and not faults.can_mount():
        skip("to mount a file system takes root")
    report = scenario(SECONDS)
    assert not report.findings
    assert report.lost == 0
    assert report.requests > 0
