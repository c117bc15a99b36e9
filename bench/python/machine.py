"""What the results were measured on and with. Nothing here names the machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys
import time

from measure import environment
from rows import PEERS

PACKAGES = {
    "gevent": ("gevent", "greenlet"),
    "uvloop": ("uvloop",),
    "trio": ("trio",),
}
CLIENTS = {"requests": "requests", "urllib3": "urllib3", "aiohttp": "aiohttp", "httpx": "httpx"}


def read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def describe() -> dict[str, str]:
    """The machine and the system."""
    cpu = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    virtual = re.search(r"^flags\s*:.*\bhypervisor\b", read("/proc/cpuinfo"), re.MULTILINE)
    kernel = re.match(r"[\d.]+", platform.release())
    return {
        "processor": (cpu[1] if cpu else platform.machine()) + (" (virtual)" if virtual else ""),
        "processors": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "system": f"Linux {kernel[0] if kernel else ''}, {os.confstr('CS_GNU_LIBC_VERSION')}",
        "python": f"CPython {platform.python_version()}",
    }


def weft_version() -> str | None:
    """weft's version, None when it cannot be imported here."""
    process = subprocess.run(
        [sys.executable, "-c", "import weft; print(weft.__version__)"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    return process.stdout.strip() if process.returncode == 0 else None


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def missing(peer: str, arguments: tuple[str, ...]) -> str | None:
    """Why a job cannot run here; None when it can."""
    if peer == "weft":
        return None  # if it cannot be imported, that is a failure
    for module in (*PACKAGES.get(peer, ()), *(CLIENTS[a] for a in arguments)):
        if not has(module):
            return f"{module} is not installed"
    return None


def versions() -> dict[str, str]:
    """Those of weft, of the peers that are installed, and of their clients."""
    found = {"weft": weft_version() or "cannot be imported"}
    names = [name for peer in PEERS for name in PACKAGES.get(peer, ())] + list(CLIENTS)
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


class Others:
    """How busy other programs keep the processors while we measure."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._busy = self._read_busy()
        self._ours = self._read_ours()

    def share(self) -> float:
        """The part of all processor time that was not ours, from 0 to 1."""
        wall = (time.monotonic() - self._start) * (os.cpu_count() or 1)
        others = self._read_busy() - self._busy - (self._read_ours() - self._ours)
        return max(0.0, others / wall) if wall else 0.0

    @staticmethod
    def _read_busy() -> float:
        # user nice system idle iowait irq softirq steal: all but idle and iowait
        first = read("/proc/stat").splitlines() or [""]
        ticks = [int(field) for field in first[0].split()[1:9]]
        return (sum(ticks[:3]) + sum(ticks[5:])) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _read_ours() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
