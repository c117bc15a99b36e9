"""Runs one job: the worker, and beside it the load or the server that it needs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rows import Job

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
LOAD = HERE.parent / "load"

LIMIT = 120.0  # seconds after which a job has failed
REQUEST = 64  # bytes of an echo request
WARM_UP, MEASURED = 200, 800  # ms of load
QUICK_WARM_UP, QUICK_MEASURED = 20, 50
DELAY = 20  # ms until the page server answers


class Failed(Exception):
    """A job gave no result; the text says why."""


def compile_load() -> None:
    """Build the C programs of ../load that are older than their source."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    BUILD.mkdir(parents=True, exist_ok=True)
    for source in LOAD.glob("*.c"):
        program = BUILD / source.stem
        if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
            continue
        if compiler is None:
            raise Failed("no C compiler found (cc)")
        new = program.with_suffix(f".{os.getpid()}")  # two runs at once must not mix
        subprocess.run([compiler, "-std=c11", "-O2", str(source), "-o", str(new)], check=True)
        new.rename(program)


def environment() -> dict[str, str]:
    """Ours, with weft importable, and without a proxy before the loopback."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    path = [str(ROOT / "bindings" / "python"), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def command(job: Job, size: int, *arguments: str) -> list[str]:
    worker = str(HERE / "worker.py")
    return [sys.executable, worker, job.peer, job.function, str(size), *arguments]


def result_of(what: str, process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for a process and read the JSON it prints."""
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        kill(process)
        raise Failed(f"{what} did not end within {LIMIT:.0f} s") from None
    if process.returncode != 0:
        raise Failed(f"{what} {how_it_ended(process)}{last_line(errors)}")
    try:
        result: dict[str, float] = json.loads(output)
    except ValueError:
        raise Failed(f"{what} printed no result{last_line(errors)}") from None
    return result


def how_it_ended(process: subprocess.Popen[str]) -> str:
    code = process.returncode
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def last_line(errors: str) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    return f": {lines[-1].strip()}" if lines else ""


def kill(process: subprocess.Popen[str]) -> str:
    """End it now; return what it wrote to stderr."""
    process.kill()
    return process.communicate()[1] or ""


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment(),
    )


def run_plain(job: Job, size: int, *arguments: str) -> dict[str, float]:
    process = start(command(job, size, *arguments))
    try:
        return result_of("the worker", process)
    except BaseException:
        process.kill()
        raise


def run_echo(job: Job, connections: int, quick: bool) -> dict[str, float]:
    """The worker is a server; what is measured is told by the load."""
    server = start(command(job, connections))
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            server.wait(LIMIT)
            raise Failed(f"the server {how_it_ended(server)}")
        load = start(
            [
                str(BUILD / "echo"),
                str(json.loads(line)["port"]),
                *map(str, (server.pid, connections, REQUEST)),
                *map(str, (QUICK_WARM_UP, QUICK_MEASURED) if quick else (WARM_UP, MEASURED)),
            ]
        )
        try:
            result = result_of("the load", load)
        except BaseException:
            load.kill()
            raise
        if result["server_cpu_s"] <= 0 or result["requests"] == 0:
            raise Failed("the server answered nothing")
    except Failed as failure:
        raise Failed(f"{failure}{last_line(kill(server))}") from None
    finally:
        kill(server)
    return {
        "rate": result["requests"] / result["server_cpu_s"] / 1e3,
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "server_cpu_share": result["server_cpu_s"] / result["wall_s"],
    }


@contextmanager
def page_server() -> Iterator[str]:
    """The server of ../load/pages.c; it ends when its input does."""
    with subprocess.Popen(
        [str(BUILD / "pages"), str(DELAY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        with process.stdin:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"


def run(job: Job, url: str, quick: bool) -> dict[str, float]:
    """Run a job; raises Failed when it gives no result."""
    size = job.quick if quick else job.size
    if job.kind == "echo":
        return run_echo(job, size, quick)
    if job.kind == "pages":
        return run_plain(job, size, url, *job.arguments)
    return run_plain(job, size, *job.arguments)
