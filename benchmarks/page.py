"""The page of figures, docs/benchmarks.md: each section stands between its own markers.

<!-- training:begin --> … <!-- training:end -->
"""

import os
import platform
from pathlib import Path

NEW = """\
# Benchmarks

Where the figures come from. Each section is written by the command that it names, and says on what
machine that was; the raw numbers lie in `benchmarks/`, beside this page.
"""


def write_section(page: Path, name: str, text: str) -> None:
    """Put text in place of the section of that name, or at the end of the page, and leave the rest.

    A page that is not there is begun.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    content = page.read_text(encoding="utf-8") if page.exists() else NEW
    if begin not in content:
        content = f"{content.rstrip()}\n\n{begin}\n{end}\n"
    before, rest = content.split(begin, 1)
    if end not in rest:
        message = f"{page}: {begin} has no {end} after it"
        raise ValueError(message)
    _, after = rest.split(end, 1)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def machine() -> str:
    """Describe this machine without naming it: processor, cores, Python."""
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _processor() -> str:
    """Return the processor's model name, where Linux tells it, else its architecture."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
