"""The image of the notebook worker, built for real from ``workers/containers``, and the engine that runs it."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "workers" / "containers"
BASE = "localhost/debian:bookworm-slim"
ENGINE = os.environ.get("CLX_ENGINE", "podman --runtime runc")
"""The container engine of the tests, as in the settings: ``docker``, say, where its daemon runs."""
PROGRAM = Path(shlex.split(ENGINE)[0]).name
#: What every build and run needs in a sandbox whose hard limits are lower than the engine's defaults.
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=30000:30000")


@dataclass(frozen=True, slots=True)
class Image:
    """A built image; *command* and *arguments* as in the settings."""

    name: str
    command: str
    arguments: tuple[str, ...] = LIMITS

    def engine(self, *arguments: str, given: str | None = None) -> str:
        """What the engine answers."""
        done = subprocess.run([*shlex.split(self.command), *arguments], input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()

    def containers(self) -> set[str]:
        """The names of all containers, running or not."""
        return set(self.engine("ps", "--all", "--format", "{{.Names}}").split())


@cache
def notebook_image() -> Image:
    """The image of the notebook worker; made once, what did not change since comes from the engine's cache."""
    needed = [name for name in (PROGRAM, "runc", "mmdebstrap") if shutil.which(name) is None]
    if needed or os.geteuid() != 0:
        why = f"containers are tested as root with {PROGRAM}, runc and mmdebstrap (make system); missing: {needed or 'root'}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    image = Image("localhost/clx-notebook-tested", ENGINE)
    # Tests run in several processes: one of them builds, the others wait and find all in the engine's cache.
    with (Path(tempfile.gettempdir()) / "clx-tested-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [str(RECIPES / "base-image.sh"), BASE], capture_output=True, text=True, check=False, env={**os.environ, "CLX_ENGINE": ENGINE}
        )
        assert done.returncode == 0, done.stderr[-2000:]
        image.engine(
            "build", *LIMITS, "--network=host", "--build-arg", f"BASE={BASE}", "--build-arg", f"PACKAGES={' '.join(as_here())}",
            "--file", str(RECIPES / "Dockerfile"), "--target", "notebook", "--tag", image.name, str(ROOT / "workers"),
        )  # fmt: skip
    return image


def as_here() -> list[str]:
    """The packages that decide over the bytes of outputs, in the versions of this environment."""
    names = [line.split(">")[0] for line in (RECIPES / "notebook.txt").read_text().split("\n") if line and not line.startswith("#")]
    return [f"{name}=={importlib.metadata.version(name)}" for name in (*names, "pygments")]
