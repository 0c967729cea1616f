"""The outcome of a scenario: how many requests were sent, how each ended, and what went wrong."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.torture.client import Client
from benchmarks.torture.sampling import Sample, write

Figures = dict[str, float | str]


@dataclass
class Report:
    """A scenario's outcome; findings are sentences about what went wrong, none if all is well."""

    name: str
    seconds: float
    requests: int = 0
    correct: int = 0
    cut_off: int = 0
    lost: int = 0
    figures: Figures = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def count(self, client: Client, *, may_cut_off: int = 0) -> None:
        """Add what a client has counted; at most may_cut_off requests may have been cut off."""
        cut_off = len(client.cut_off)
        self.requests += client.sent
        self.correct += client.correct
        self.cut_off += cut_off
        self.lost += client.lost() + max(0, cut_off - may_cut_off)
        if client.lost():
            self.findings.append(f"{client.lost()} requests were not answered correctly: {client.wrong[:3]}")
        if cut_off > may_cut_off:
            kinds = ", ".join(sorted({each.kind for each in client.cut_off}))
            self.findings.append(f"{cut_off} requests were cut off, at most {may_cut_off} expected: {kinds}")
        if failed := client.failed():
            self.findings.append(f"{failed} responses had a 5xx status other than 503")

    def check(self, holds: bool, finding: str) -> None:  # noqa: FBT001 - reads as an assertion does
        """Add a finding if something does not hold."""
        if not holds:
            self.findings.append(finding)

    def add_figures(self, figures: Mapping[str, float | str]) -> None:
        """Add figures to the page's line about this scenario."""
        self.figures |= figures

    def save(self, folder: Path, scenario: str, run: Mapping[str, str]) -> None:
        """Write the report as JSON, with the circumstances of the run, and its samples as CSV beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        document = asdict(self) | {"run": dict(run)}
        del document["samples"]
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (folder / f"{scenario}.json").write_text(f"{text}\n", encoding="utf-8")
        if self.samples:
            write(self.samples, folder / f"{scenario}.csv")
