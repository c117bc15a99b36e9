"""Measures weft beside its peers: `./dev bench python [OPTIONS]`.

A complete run writes RESULTS.md and results-python.svg into bench/; a partial one (--quick, --only,
--peers, fewer than 5 rounds) writes them into build/bench/partial. The raw figures, and with them
all texts anew (--from), are in python.json in build/bench.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import chart
import machine
import measure
import page
from results import Results, figure
from rows import PEERS, ROWS, Job, Row

ROUNDS = 5


def parse(arguments: list[str]) -> argparse.Namespace:
    keys = [row.key for row in ROWS]
    parser = argparse.ArgumentParser(prog="./dev bench python", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--quick", action="store_true", help="one round, small sizes: a smoke test")
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="ROW")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the page and the chart go")
    parser.add_argument(
        "--from", dest="raw", type=Path, metavar="JSON", help="do not measure, read this"
    )
    return parser.parse_args(arguments)


def is_complete(options: argparse.Namespace) -> bool:
    everything = len(options.only) == len(ROWS) and len(options.peers) == len(PEERS)
    return everything and options.rounds >= ROUNDS and not options.quick


def jobs_of(row: Row) -> list[Job]:
    return [*row.jobs.values(), *row.also.values()]


class Run:
    """All rounds of a run."""

    def __init__(self, options: argparse.Namespace, url: str) -> None:
        self.options, self.url = options, url
        self.rows = [row for row in ROWS if row.key in options.only]
        self.done: dict[str, list[dict[str, Any]]] = {}
        self.absent: dict[str, str] = {}

    def round(self, number: int) -> None:
        """Every job once; the peers of a row one after the other, each time another one first."""
        for row in self.rows:
            jobs = [job for job in jobs_of(row) if len(self.done.get(job.key, ())) < number]
            first = number % max(1, len(jobs))
            for job in jobs[first:] + jobs[:first]:
                self.job(row, job, number)

    def job(self, row: Row, job: Job, number: int) -> None:
        if job.peer not in self.options.peers:
            self.absent[job.key] = "was left out of this run"
            return
        why = machine.missing(job.peer, job.arguments)
        if why:
            self.absent[job.key] = why
            return
        try:
            result: dict[str, Any] = measure.run(job, self.url, self.options.quick)
            said = f"{figure(result[row.metric])} {row.unit}" if row.metric in result else "done"
        except measure.Failed as failure:
            result, said = {"failed": str(failure)}, f"FAILED: {failure}"
        self.done.setdefault(job.key, []).append(result)
        rounds = self.options.rounds
        print(f"{number}/{rounds}  {row.key}: {job.peer} {job.function}: {said}", flush=True)


def run_all(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; the raw results."""
    measure.compile_load()
    others, start = machine.Others(), time.monotonic()
    with measure.page_server() as url:
        run = Run(options, url)
        for number in range(1, options.rounds + 1):
            run.round(number)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "seconds": time.monotonic() - start,
        "rounds": options.rounds,
        "quick": options.quick,
        "complete": is_complete(options),
        "others": others.share(),
        "machine": machine.describe(),
        "versions": machine.versions(),
        "jobs": run.done,
        "absent": run.absent,
    }


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.quick:
        options.rounds = 1
    raw = json.loads(options.raw.read_text()) if options.raw else run_all(options)
    partial = measure.BUILD / "partial"
    out: Path = options.out or (measure.HERE.parent if raw["complete"] else partial)
    out.mkdir(parents=True, exist_ok=True)
    if not options.raw:
        beside = options.out or (measure.BUILD if raw["complete"] else partial)
        (beside / "python.json").write_text(json.dumps(raw, indent=1) + "\n")
    results = Results(raw)
    (out / "RESULTS.md").write_text(page.write(results))
    (out / page.CHART).write_text(chart.draw(results))
    print(f"\n{page.text_table(results)}\n")
    failures = results.failures()
    for failure in failures:
        print(f"failed: {failure}")
    print(f"written: {out / 'RESULTS.md'}, {out / page.CHART}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
