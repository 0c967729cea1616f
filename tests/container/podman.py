"""Podman for tests: builds the image, runs it with the recommended options, and leaves nothing behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving.server import free_ports

BASE_SCRIPT = Path(__file__).parent / "base.sh"
# The base image is cached, because it takes half a minute to build.
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "digits"
# Options that need neither systemd nor a daemon.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
# The host's network: the machine may offer no other.
RUN = (
    *("--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--memory=256m", "--pids-limit=64", "--ulimit=nproc=1024:1024", "--ulimit=nofile=20000:20000"),
)


class Podman:
    """Podman with a configuration of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        """Keep the configuration in a folder."""
        # The monitor of a container that exhausts its memory leaves a file in its working directory.
        self.program, self.folder = program, folder
        configuration = folder / "containers.conf"
        configuration.write_text(CONFIGURATION)
        self.environment = os.environ | {"CONTAINERS_CONF": str(configuration)}

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return its output; fail with its error output if it fails."""
        ended = self.attempt(*arguments)
        assert not check or ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def attempt(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command, which may fail."""
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )

    def size(self, image: str) -> int:
        """Return the size of an image in bytes."""
        return int(self("image", "inspect", image, "--format", "{{.Size}}"))


def base_image(podman: Podman, tag: str) -> None:
    """Import the stand-in base image, building its archive if there is none for this version of Python."""
    archive = CACHE / f"base-{sys.version_info.major}.{sys.version_info.minor}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        made = archive.with_suffix(f".{os.getpid()}")
        subprocess.run([BASE_SCRIPT, made], check=True)
        shutil.move(made, archive)
    podman("import", "--quiet", str(archive), tag)


class Container:
    """A running container of the image."""

    def __init__(self, podman: Podman, number: str, port: int) -> None:
        """Remember the container's id and port."""
        self.podman, self.number, self.port = podman, number, port

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the container."""
        return self.podman.attempt("exec", self.number, *command)

    def log(self) -> list[str]:
        """Return the lines of the container's log."""
        ended = self.podman.attempt("logs", self.number)
        return (ended.stdout + ended.stderr).splitlines()


@contextmanager
def container(podman: Podman, image: str, settings: Mapping[str, str]) -> Iterator[Container]:
    """Run the image until the block ends."""
    port = free_ports()[0]
    variables = {"DIGITS_HOST": "127.0.0.1", "DIGITS_PORT": str(port), **settings}
    given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    number = podman("run", "--detach", *RUN, *given, image).splitlines()[-1]
    try:
        yield Container(podman, number, port)
    finally:
        podman("rm", "--force", "--time", "5", number, check=False)
