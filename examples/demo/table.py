"""What the demo says on the terminal: a progress bar, the table, and the verdict."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from demo.measure import Run

WIDTH = 32  # of the progress bar, in characters
NAMES = {"weft": "weft fibers", "threads": "plain threads", "one-by-one": "one by one"}
CELL = 16
HEAD = 24

Row = tuple[str, Callable[[Run], str]]


def number(value: float, digits: int = 0) -> str:
    """A number with its thousands apart."""
    return f"{value:,.{digits}f}".replace(",", " ")


def seconds(value: float) -> str:
    """A time that reads well whether it is short or long."""
    return f"{number(value, 1 if value < 100 else 0)} s"


def mebibytes(value: float) -> str:
    """An amount of memory."""
    return f"{number(value / 2**20)} MiB"


class Progress:
    """A bar that grows on a terminal; elsewhere a plain line at each quarter."""

    def __init__(self, way: str, total: int, out: TextIO = sys.stdout) -> None:
        self._way, self._total, self._out = NAMES[way], total, out
        self._start = time.monotonic()
        self._bar = out.isatty()
        self._quarter = 0
        self._shown = 0.0

    def __call__(self, run: Run) -> None:
        """Show how far `run` has come."""
        done, now = len(run.visits), time.monotonic()
        text = f"{number(done)} of {number(self._total)} pages, {now - self._start:.1f} s"
        if self._bar:
            if now - self._shown < 0.05 and done < self._total:
                return
            self._shown = now
            filled = WIDTH * done // self._total
            self._out.write(f"\r  {self._way:<14}[{'#' * filled}{' ' * (WIDTH - filled)}] {text} ")
            self._out.write("\n" if done == self._total else "")
        elif done * 4 // self._total > self._quarter:
            self._quarter = done * 4 // self._total
            self._out.write(f"  {self._way}: {text}\n")
        self._out.flush()


def rows(pages: int) -> list[Row]:
    """The rows of the table: a name, and what to say of a run."""

    def whole(run: Run) -> str:
        return ("~" if run.pages < pages else "") + seconds(run.wall_for(pages))

    return [
        ("wall time", whole),
        ("sum of single times", lambda run: seconds(run.single_times())),
        ("pages under way (most)", lambda run: number(run.most_at_once())),
        ("OS threads (most)", lambda run: number(run.threads)),
        ("CPU time", lambda run: seconds(run.cpu)),
        ("peak memory", lambda run: mebibytes(run.memory)),
        ("pages fetched", lambda run: number(run.count("ok"))),
        ("failed / cut", lambda run: f"{run.count('failed')} / {run.count('cut')}"),
    ]


def table(runs: list[Run], pages: int) -> str:
    """All runs side by side."""
    lines = ["".join([" " * HEAD, *(f"{NAMES[run.way]:>{CELL}}" for run in runs)])]
    lines += [
        "".join([f"{name:<{HEAD}}", *(f"{say(run):>{CELL}}" for run in runs)])
        for name, say in rows(pages)
    ]
    for run in runs:
        if run.pages < pages:
            lines.append(
                f"~ {NAMES[run.way]}: only {run.pages} of the {number(pages)} pages were fetched,"
                f" in {seconds(run.wall)}; the wall time is\n  extrapolated, the other numbers of"
                " that column are those of the sample."
            )
    return "\n".join(lines)


def faults(run: Run, expected: int) -> list[str]:
    """What of a run is not as it must be: one page fails, one is cut, all others come."""
    wanted = {"ok": expected - 2, "failed": 1, "cut": 1}
    return [
        f"{NAMES[run.way]}: {run.count(result)} pages {result}, {count} expected"
        for result, count in wanted.items()
        if run.count(result) != count
    ]


def verdict(runs: list[Run], pages: int) -> str:
    """One plain sentence, from the numbers alone."""
    weft = runs[0]
    said = [
        f"weft fetched {number(weft.count('ok'))} pages in {seconds(weft.wall)}"
        f" with {number(weft.threads)} OS thread{'s' if weft.threads != 1 else ''}"
    ]
    for run in runs[1:]:
        ratio = run.wall_for(pages) / weft.wall
        compared = f"{ratio:.1f} times as long" if ratio >= 1.05 else f"{ratio:.2f} of that time"
        said.append(f"{NAMES[run.way]} took {compared} with {number(run.threads)}")
    return "; ".join(said) + "."
