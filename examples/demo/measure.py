"""Run the fetch program in one of three ways, each in its own process, and measure it from outside.

Wall and CPU time and peak memory are the process's own account of itself (`client.py`). Its OS
threads are counted from here, in /proc, so that counting does not disturb what is counted.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.server import holding_ctrl_c
from pages import Visit

EXAMPLES = Path(__file__).resolve().parents[1]
SAMPLING = 0.02  # seconds between two counts of the OS threads
LIMIT = 600.0  # seconds after which a run that does not end is given up


@dataclass
class Run:
    """What one way of fetching took."""

    way: str
    pages: int  # pages by `requests` it was asked for, beside the special ones
    visits: list[Visit] = field(default_factory=list[Visit])
    start: float = 0.0
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    threads: int = 0

    def count(self, result: str) -> int:
        """How many pages ended with `result`."""
        return sum(visit.result == result for visit in self.visits)

    def single_times(self) -> float:
        """The times of the pages, each from its own start to its own end, added up."""
        return sum(visit.end - visit.start for visit in self.visits)

    def most_at_once(self) -> int:
        """The largest number of pages that were under way at one moment."""
        steps = [(visit.start, 1) for visit in self.visits] + [
            (visit.end, -1) for visit in self.visits
        ]
        now = most = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    def wall_for(self, pages: int) -> float:
        """The wall time of `pages` one after the other, from the mean of those fetched."""
        times = [
            visit.end - visit.start
            for visit in self.visits
            if visit.how == "requests" and visit.result == "ok"
        ]
        return self.wall + (pages - self.pages) * sum(times) / max(1, len(times))


def os_threads(pid: int) -> int:
    """The number of OS threads of a process; 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[17])  # num_threads, counted from behind the name


def lines(process: subprocess.Popen[bytes], sample: Callable[[], None]) -> Iterator[bytes]:
    """The lines that `process` prints, as they come; calls `sample` every SAMPLING seconds."""
    assert process.stdout is not None
    rest, due, limit = b"", 0.0, time.monotonic() + LIMIT
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (now := time.monotonic()) < limit:
            if now >= due:
                sample()
                due = now + SAMPLING
            if not selector.select(max(0.0, due - now)):
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            yield from whole
    raise RuntimeError(f"no end after {LIMIT:g} s")


def environment() -> dict[str, str]:
    """Ours, with the examples importable, and without a proxy before the loopback."""
    path = os.pathsep.join(filter(None, [str(EXAMPLES), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@contextmanager
def client(*arguments: str) -> Generator[subprocess.Popen[bytes], None, None]:
    """A process of `client.py`, gone when the block is left."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with holding_ctrl_c():
            process = subprocess.Popen(
                [sys.executable, "-m", "demo.client", *arguments],
                env=environment(),
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        yield process
    except BaseException:
        if process is not None:
            process.kill()
        raise
    finally:
        if process is not None:
            with process:  # closes its output and waits
                pass


def measure(way: str, url: str, pages: int, ca: str, progress: Callable[[Run], None]) -> Run:
    """Fetch `pages` pages and the special ones in the way called `way`; raises if that fails."""
    run = Run(way, pages)
    with client(way, url, str(pages), ca) as process:

        def sample() -> None:
            run.threads = max(run.threads, os_threads(process.pid))

        for line in lines(process, sample):
            told = json.loads(line)
            if "url" in told:
                run.visits.append(Visit(**told))
                progress(run)
            else:
                run.start, run.wall, run.cpu, run.memory = (
                    told[k] for k in ("start", "wall", "cpu", "memory")
                )
    if process.returncode != 0 or not run.wall:
        raise RuntimeError(
            f"the run of {way} ended with code {process.returncode} after {len(run.visits)} pages"
        )
    return run
