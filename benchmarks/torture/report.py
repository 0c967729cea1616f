"""What a scenario found: what was asked, what became of it, and what is not as it should be."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.torture.client import Client
from benchmarks.torture.watch import Sample, write

Figures = dict[str, float | str]


@dataclass
class Report:
    """A scenario's outcome; findings are sentences, none where all is well."""

    name: str
    seconds: float
    asked: int = 0
    right: int = 0
    broken: int = 0
    lost: int = 0
    figures: Figures = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def count(self, client: Client, *, may_break: int = 0) -> None:
        """Add what a client has seen; so many requests may have been cut off."""
        self.asked += client.asked
        self.right += client.right
        self.broken += len(client.breaks)
        self.lost += client.lost() + max(0, len(client.breaks) - may_break)
        if client.lost():
            self.findings.append(f"{client.lost()} requests were not answered right: {client.wrong[:3]}")
        if len(client.breaks) > may_break:
            kinds = sorted({each.kind for each in client.breaks})
            self.findings.append(
                f"{len(client.breaks)} requests were cut off, {may_break} might have been: {', '.join(kinds)}"
            )
        if failed := client.failed():
            self.findings.append(f"{failed} answers of 5xx that were no 503")

    def hold(self, claim: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion does
        """Keep a sentence for a claim that does not hold."""
        if not claim:
            self.findings.append(otherwise)

    def tell(self, figures: Mapping[str, float | str]) -> None:
        """Add figures."""
        self.figures |= figures

    def save(self, folder: Path, scenario: str, run: Mapping[str, str]) -> None:
        """Write it as JSON, with what is said of the run, and its samples as CSV beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        document = asdict(self) | {"run": dict(run)}
        del document["samples"]
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (folder / f"{scenario}.json").write_text(f"{text}\n", encoding="utf-8")
        if self.samples:
            write(self.samples, folder / f"{scenario}.csv")
