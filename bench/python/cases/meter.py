"""What the benchmarks share: a stopwatch, the size of the process, a counter."""

from __future__ import annotations

import resource
import time
from types import TracebackType
from typing import Self


class Meter:
    """Measures what happens in its `with` block: wall and CPU time, page faults, OS switches."""

    def __enter__(self) -> Self:
        self._usage = resource.getrusage(resource.RUSAGE_SELF)
        self._wall = time.perf_counter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wall = time.perf_counter() - self._wall
        before, after = self._usage, resource.getrusage(resource.RUSAGE_SELF)
        self.user = after.ru_utime - before.ru_utime
        self.system = after.ru_stime - before.ru_stime
        self.faults = after.ru_minflt - before.ru_minflt
        self.os_switches = after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw

    def each(self, count: int) -> dict[str, float]:
        """Everything, divided by how often it was done; times in microseconds."""
        return {
            "wall_us": self.wall / count * 1e6,
            "user_us": self.user / count * 1e6,
            "system_us": self.system / count * 1e6,
            "faults": self.faults / count,
            "os_switches": self.os_switches / count,
        }


class Counter:
    """Counts. No two threads can collide: CPython lets others run at calls and backward jumps only,
    and between reading and writing `value` there is neither."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        self.value += 1


def check(counter: Counter, count: int) -> None:
    """What was timed must have happened."""
    if counter.value != count:
        raise RuntimeError(f"{counter.value} of {count} happened")


def memory() -> dict[str, int]:
    """Bytes of this process: what is resident, and the kernel's tables to find it."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return {
        name: int(fields[field].split()[0]) * 1024
        for name, field in (("rss", "VmRSS"), ("page_tables", "VmPTE"))
    }
