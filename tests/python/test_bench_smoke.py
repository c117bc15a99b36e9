"""The benchmarks still run: each gives a figure for each peer that is installed. No timing here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import HERE, Case, environment

BENCH = os.path.join(HERE, os.pardir, os.pardir, "bench", "python")
LIMIT = 150.0


class BenchSmoke(Case):
    def test_each_row_gives_a_figure_for_each_peer(self) -> None:
        if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
            self.skipTest("no C compiler for the load")
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as out:
            command = [sys.executable, os.path.join(BENCH, "run.py"), "--quick", "--out", out]
            run = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT,
                env=environment(),
                check=False,
            )
            self.assertEqual(run.returncode, 0, run.stdout)
            with open(os.path.join(out, "python.json")) as file:
                raw = json.load(file)
            self.assertTrue(os.path.getsize(os.path.join(out, "RESULTS.md")))
            self.assertTrue(os.path.getsize(os.path.join(out, "results-python.svg")))
        self.assert_complete(raw)

    def assert_complete(self, raw: dict[str, object]) -> None:
        sys.path.insert(0, BENCH)
        try:
            from results import Results
            from rows import ROWS
        finally:
            sys.path.remove(BENCH)
        results = Results(raw)
        for row in ROWS:
            for job in (*row.jobs.values(), *row.also.values()):
                if results.absent(job) is None:
                    with self.subTest(row=row.key, job=job.key):
                        values = results.values(job, row.metric)
                        self.assertEqual(len(values), 1)
                        # A few sleepers may fit into memory that the process has already.
                        self.assertTrue(values[0] > 0 or row.metric == "rss", values)
            self.assertIsNone(results.absent(row.jobs["weft"]))


if __name__ == "__main__":
    unittest.main()
