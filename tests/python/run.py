"""Runs the tests of the Python binding under the interpreter that runs this file.

    run.py [-v] [NAME ...]     all of test_*.py here, or those whose name contains a NAME

Each file runs in a process of its own and has LIMIT seconds. The last line of the output is
`N passed, N failed, N skipped`; the exit code is 1 if anything failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(HERE, os.pardir, os.pardir, "bindings", "python")
LIMIT = 180.0
MARK = "@@counts"


def run_here(name: str, verbose: bool) -> int:
    """Run one file in this process; the last line tells the counts."""
    sys.path.insert(0, HERE)
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2 if verbose else 1)
    result = runner.run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    print(MARK, max(result.testsRun - failed - skipped, 0), failed, skipped, flush=True)
    return failed


def environment() -> dict[str, str]:
    env = dict(os.environ)
    path = [os.path.abspath(PACKAGE), *filter(None, [env.get("PYTHONPATH")])]
    env["PYTHONPATH"] = os.pathsep.join(path)
    return env


def run_file(name: str, verbose: bool) -> tuple[int, int, int]:
    """Run one file in a process; return how many tests passed, failed, were skipped."""
    command = [sys.executable, "-X", "faulthandler", os.path.abspath(__file__), "--one", name]
    begin = time.monotonic()
    print(f"== {name}", flush=True)
    process = subprocess.Popen(
        command + ["-v"] * verbose,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment(),
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT)
        ended = f"ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # faulthandler shows where it hangs
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        ended = f"was killed after {LIMIT:.0f} s"
    lines = output.rstrip().splitlines()
    counts = lines[-1].split()[1:] if lines and lines[-1].startswith(MARK) else []
    if counts:
        passed, failed, skipped = map(int, counts)
        lines.pop()
    else:
        passed, failed, skipped = 0, 1, 0
        lines.append(f"{name} {ended} before its tests did")
    if failed or verbose:
        print("\n".join(lines))
    print(
        f"   {passed} passed, {failed} failed, {skipped} skipped"
        f" in {time.monotonic() - begin:.1f} s",
        flush=True,
    )
    return passed, failed, skipped


def main() -> int:
    arguments = sys.argv[1:]
    verbose = "-v" in arguments
    wanted = [a for a in arguments if not a.startswith("-")]
    if "--one" in arguments:
        return run_here(wanted[0], verbose)
    names = sorted(f[:-3] for f in os.listdir(HERE) if f.startswith("test_") and f.endswith(".py"))
    names = [n for n in names if not wanted or any(w in n for w in wanted)]
    print(f"Python {sys.version.split()[0]}, {len(names)} files")
    passed = failed = skipped = 0
    for name in names:
        counts = run_file(name, verbose)
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
