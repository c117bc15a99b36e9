"""What the tests of the Python binding share. Importing it starts weft."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import weft

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(weft.__file__)))

# A bound that only a hang breaks.
HANG = 60.0

weft.init()


class Case(unittest.TestCase):
    """A test case that tells where an exception group's members came from."""

    maxDiff = None

    @contextmanager
    def fails_with(self, *types: type[BaseException]) -> Iterator[list[BaseException]]:
        """The block raises one exception group with errors of these types, in this order."""
        caught: list[BaseException] = []
        try:
            yield caught
        except BaseExceptionGroup as group:
            caught.append(group)
            found = [type(e) for e in group.exceptions]
            self.assertEqual(found, list(types), "".join(traceback.format_exception(group)))
            return
        self.fail("no exception group was raised")


def wait_until(condition: Callable[[], object], limit: float = HANG) -> None:
    """Let the others run until a condition holds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("the condition never came true")
        time.sleep(0.001)


def python(
    code: str, *options: str, limit: float = HANG, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program in a new interpreter."""
    command = [sys.executable, "-X", "faulthandler", *options, "-c", textwrap.dedent(code)]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=limit,
        env=environment(),
        check=False,
    )


def environment() -> dict[str, str]:
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join([PACKAGE, HERE])
    return env


def os_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def rss() -> int:
    """Bytes of memory that the process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def raise_file_limit(count: int) -> None:
    """Make sure that `count` files may be open, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest(f"needs {count} open files, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def make_certificate() -> tuple[str, str]:
    """Make a certificate for localhost; return the names of its file and of its key's."""
    folder = tempfile.mkdtemp(prefix="weft-test-")
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    try:
        subprocess.run(
            [*command.split(), "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        raise unittest.SkipTest("needs the openssl program") from None
    return certificate, key
