"""What was measured, and the figures made of it: medians, spreads, ratios, verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rows import Job, Row, Target

Round = dict[str, Any]  # metrics of a job, or {"failed": why}


@dataclass(frozen=True)
class Spread:
    """The rounds in three numbers."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread | None:
    return Spread(statistics.median(values), min(values), max(values)) if values else None


class Results:
    """The raw results of a run, as they lie in the JSON file."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    def rounds(self, job: Job) -> list[Round]:
        found: list[Round] = self.raw["jobs"].get(job.key, [])
        return found

    def absent(self, job: Job) -> str | None:
        """Why the job was not run at all."""
        found: str | None = self.raw["absent"].get(job.key)
        return found

    def failures(self) -> list[str]:
        return [
            f"{key}, round {number}: {result['failed']}"
            for key, rounds in self.raw["jobs"].items()
            for number, result in enumerate(rounds, 1)
            if "failed" in result
        ]

    def values(self, job: Job, metric: str) -> list[float]:
        return [r[metric] for r in self.rounds(job) if metric in r]

    def spread(self, job: Job, metric: str) -> Spread | None:
        return spread(self.values(job, metric))

    def cell(self, row: Row, peer: str) -> Spread | None:
        """What the table says of a peer; None when it has no figure."""
        job = row.jobs.get(peer)
        return self.spread(job, row.metric) if job else None

    def ratio(self, row: Row, peer: str) -> Spread | None:
        """weft / peer, each round on its own, so that what slows a round down slows both."""
        if peer not in row.jobs or "weft" not in row.jobs:
            return None
        metric = row.metric
        pairs = zip(self.rounds(row.jobs["weft"]), self.rounds(row.jobs[peer]))
        return spread([a[metric] / b[metric] for a, b in pairs if metric in a and b.get(metric)])

    def is_reached(self, row: Row, target: Target) -> bool | None:
        """None when there is no figure to compare."""
        found = self.ratio(row, target.of) if target.of else self.cell(row, "weft")
        if found is None:
            return None
        return found.median >= target.limit if row.more_is_better else found.median <= target.limit

    def missed(self, row: Row) -> list[Target]:
        """The targets, stretches aside, that were measured and not reached."""
        return [t for t in row.targets if not t.stretch and self.is_reached(row, t) is False]


def figure(value: float) -> str:
    """Three digits that matter; thin spaces between thousands."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"
