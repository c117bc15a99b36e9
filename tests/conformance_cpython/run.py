"""CPython's own tests with weft initialised first, compared with the same interpreter without.

Each module of the interpreter's test package runs twice, each time in a process of its own:
plain, and under weft. A test that fails under weft and passes plain is a failure of weft; one
that fails both ways is the interpreter's or the machine's and is listed as such. The last line is
`N passed, N failed, N skipped`, counted in test methods of the runs under weft.

    run.py                       all modules, this interpreter
    run.py --balanced            the part that ./dev test runs
    run.py test_queue test_ssl   these

Exit code 1 when anything failed that the plain run does not fail.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKER = HERE / "worker.py"

MODULES = [
    "test_thread", "test_threading", "test_threading_local", "test_queue", "test_sched",
    "test_select", "test_poll", "test_epoll", "test_selectors", "test_socket", "test_ssl",
    "test_httplib", "test_urllib2_localnet", "test_socketserver", "test_contextlib",
    "test_context", "test_subprocess", "test_concurrent_futures", "test_fork1",
    "test_asyncio.test_streams", "test_asyncio.test_sock_lowlevel", "test_asyncio.test_events",
    "test_asyncio.test_subprocess",
]  # fmt: skip

# What exercises every family of hooks in about three minutes.
BALANCED = [
    "test_thread", "test_threading", "test_threading_local", "test_queue", "test_select",
    "test_poll", "test_epoll", "test_selectors", "test_socket", "test_ssl", "test_httplib",
    "test_socketserver", "test_context", "test_subprocess", "test_fork1",
    "test_asyncio.test_streams", "test_asyncio.test_sock_lowlevel",
]  # fmt: skip

# Tests that need a fiber to be preempted while it computes; the issue about preemption takes them
# up. Each is named, with the reason.
NEED_PREEMPTION: dict[str, str] = {
    "test.test_threading.InterruptMainTests.test_can_interrupt_tight_loops":
        "the main thread computes until another thread interrupts it",
}


# Tests that never end on some machines, with or without weft.
HANG_ANYWHERE = {
    "test.test_socket.ThreadedVSOCKSocketStreamTest.testStream":
        "waits for ever where the kernel has VSOCK and the hypervisor does not answer",
}


def args_timeout() -> int:
    """Seconds one module may take; the watchdog inside barks a little earlier."""
    return int(os.environ.get("WEFT_CONFORMANCE_LIMIT", "600"))


@dataclass
class Outcome:
    """One run of one module: test ids by what became of them."""

    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    crash: str = ""


def run_module(module: str, weft: bool) -> Outcome:
    skip = [*HANG_ANYWHERE, *(NEED_PREEMPTION if weft else ())]
    with tempfile.TemporaryDirectory(prefix="weft-conformance-") as scratch:
        report = Path(scratch) / "report.json"
        env = dict(
            os.environ,
            WEFT_CONFORMANCE_SKIP=json.dumps(skip),
            WEFT_CONFORMANCE_TIMEOUT=str(args_timeout() - 10),
        )
        command = [sys.executable, str(WORKER), module, str(report), "weft" if weft else "plain"]
        try:
            done = subprocess.run(
                command, cwd=scratch, env=env, timeout=args_timeout(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", check=False,
            )  # fmt: skip
            tail, code = done.stdout[-4000:], done.returncode
        except subprocess.TimeoutExpired as late:
            output = late.stdout or b""
            tail, code = output.decode(errors="replace")[-4000:], -1
        if not report.exists():
            what = "hung" if code == -1 else f"exit code {code}"
            return Outcome(crash=f"{what} before it reported\n{tail}")
        data = json.loads(report.read_text())
    return Outcome(set(data["passed"]), data["failed"], set(data["skipped"]))


def installed(module: str) -> bool:
    probe = f"import importlib.util as u, sys; sys.exit(not u.find_spec('test.{module}'))"
    return subprocess.run([sys.executable, "-c", probe], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0  # fmt: skip


def compare(module: str) -> tuple[int, int, int]:
    """Runs `module` both ways, prints what differs, returns (passed, failed, skipped)."""
    weft = run_module(module, weft=True)
    if not weft.failed and not weft.crash:
        print(f"ok      {module}: {len(weft.passed)} passed, {len(weft.skipped)} skipped")
        return len(weft.passed), 0, len(weft.skipped)
    plain = run_module(module, weft=False)
    if weft.crash and plain.crash:
        print(f"same    {module}: does not finish without weft either\n{plain.crash}")
        return 0, 0, 1
    if weft.crash:
        print(f"FAILED  {module}: {weft.crash}")
        return 0, 1, 0
    ours = {t: why for t, why in weft.failed.items() if t not in plain.failed}
    both = len(weft.failed) - len(ours)
    for test, why in ours.items():
        print(f"FAILED  {module}: {test}\n{why}")
    verdict = "FAILED" if ours else "ok    "
    print(f"{verdict}  {module}: {len(weft.passed)} passed, {len(ours)} failed, "
          f"{both} fail without weft too, {len(weft.skipped)} skipped")  # fmt: skip
    return len(weft.passed), len(ours), len(weft.skipped) + both


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--balanced", action="store_true", help="the part ./dev test runs")
    parser.add_argument("modules", nargs="*", help="names below the interpreter's test package")
    args = parser.parse_args()
    modules = args.modules or (BALANCED if args.balanced else MODULES)
    version = sys.version.split()[0]
    for test, why in {**NEED_PREEMPTION, **HANG_ANYWHERE}.items():
        print(f"left out {test}: {why}")
    totals = [0, 0, 0]
    for number, module in enumerate(modules, 1):
        print(f"[{number}/{len(modules)}] CPython {version} {module} ...", flush=True)
        if installed(module):
            counts = compare(module)
        else:
            print(f"absent  {module}: this interpreter does not have it")
            counts = (0, 0, 1)
        totals = [a + b for a, b in zip(totals, counts)]
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
