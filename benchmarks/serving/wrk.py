"""wrk, the load generator: a Lua script for it, and its results.

The script writes all its requests before the clock starts. Then it hands them out; in heads that contain
NEW_ID, it puts a new identifier of 16 hexadecimal digits.
"""

import json
import shutil
import signal
import subprocess
from math import ceil
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving.payloads import NEW_ID, Post

PRINTABLE = range(32, 127)
SCRIPT = """\
local bodies = {
%(bodies)s
}
local fields = {
%(fields)s
}
local requests, before, after = {}, {}, {}
local last, sent, began = 0, 0, os.time()

function init(_)
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", "%(path)s", fields, body)
    local first, final = requests[i]:find("%(new_id)s", 1, true)
    if first then
      before[i], after[i] = requests[i]:sub(1, first - 1), requests[i]:sub(final + 1)
    end
  end
end

function request()
  last = last %% #requests + 1
  if not before[last] then return requests[last] end
  sent = sent + 1
  return before[last] .. string.format("%%08x%%08x", began, sent) .. after[last]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %%d, "duration_us": %%d, "p50_us": %%d, "p99_us": %%d, ' ..
    '"socket_errors": %%d, "refused": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
"""


class Load(NamedTuple):
    """The result of a run of wrk; `refused` counts responses with a status of 400 or more."""

    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    socket_errors: int
    refused: int

    @property
    def per_second(self) -> float:
        """Successful responses a second: quick refusals do not count."""
        return (self.requests - self.refused) / self.duration_us * 1e6


def script(post: Post) -> str:
    """Return the Lua script that posts the bodies one after the other, endlessly."""
    bodies = "\n".join(f'"{_escaped(body)}",' for body in post.bodies)
    fields = {"Content-Type": post.content_type, **post.fields}
    written = "\n".join(f'["{name}"] = "{_escaped(value.encode())}",' for name, value in fields.items())
    return SCRIPT % {"bodies": bodies, "path": post.path, "fields": written, "new_id": NEW_ID}


def _escaped(data: bytes) -> str:
    r"""Escape bytes for a Lua string in double quotes.

    >>> _escaped(b'a"\\\n\xff1')
    'a\\034\\092\\010\\2551'
    """
    return "".join(
        chr(byte) if byte in PRINTABLE and byte not in b'"\\' else f"\\{byte:03d}" for byte in data
    )


def require() -> None:
    """Raise ValueError when wrk is not installed."""
    if not shutil.which("wrk"):
        raise ValueError("wrk, the load generator, is not installed (Debian: apt-get install wrk)")


def run(path: Path, port: int, connections: int, seconds: float) -> Load:
    """Run wrk with a script against a server on this machine."""
    # wrk's own durations are whole seconds; when it is interrupted, it prints its results so far.
    command: list[str | Path] = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{ceil(seconds)}s",
        "-s",
        path,
        f"http://127.0.0.1:{port}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate(timeout=None if seconds == ceil(seconds) else seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
    return parse(output)


def parse(output: str) -> Load:
    """Return the results from the line that the script prints.

    Raises ValueError if there is no such line.
    """
    for line in output.splitlines():
        if line.startswith('{"requests"'):
            return Load(**json.loads(line))
    raise ValueError(f"wrk printed no results, but:\n{output}")
