"""What prometheus_client does not expose, as the operators' page says."""

from pathlib import Path

import pytest
from prometheus_client.samples import Exemplar
from prometheus_client.values import MultiProcessValue


def test_exemplars_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that several workers share forgets its exemplar, so that none can be exposed."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    kind = MultiProcessValue(lambda: 1)
    value = kind("counter", "a", "a_total", (), (), "Something.")
    value.set_exemplar(Exemplar({"trace": "1"}, 1.0))
    assert value.get_exemplar() is None
    kind.close_all_files()
