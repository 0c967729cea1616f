"""docs/benchmarks.md: each benchmark writes its own section, between markers.

<!-- training:begin --> … <!-- training:end -->
"""

import os
import platform
from pathlib import Path

NEW = """\
# Benchmarks

Each section is written by the command that it names, and names the machine that it ran on. The raw numbers
are in `benchmarks/`, beside this page.
"""


def write_section(page: Path, name: str, text: str) -> None:
    """Replace the section of that name, or append it; create the page if it does not exist."""
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
    """Describe this machine, without its name: processor, cores, Python version."""
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _processor() -> str:
    """Return the processor's model name from /proc/cpuinfo, or its architecture if there is none."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
