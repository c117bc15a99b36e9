"""Runs one module of CPython's test package with unittest and writes who passed.

    worker.py MODULE REPORT plain|weft

A child of run.py. unittest is used rather than libregrtest because it names each test method,
which is what the comparison needs.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import unittest
from typing import Any


class Report(unittest.TextTestResult):
    """Remembers the id of every test by outcome."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.passed: list[str] = []
        self.bad: dict[str, str] = {}
        self.left_out: list[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.passed.append(test.id())

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.bad[test.id()] = self.errors[-1][1]

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.bad[test.id()] = self.failures[-1][1]

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.bad[test.id()] = str(err[1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.left_out.append(test.id())

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.passed.append(test.id())


def tests_of(suite: unittest.TestSuite) -> list[Any]:
    found: list[Any] = []
    for item in suite:
        found.extend(tests_of(item) if isinstance(item, unittest.TestSuite) else [item])
    return found


def main() -> None:
    module, report, mode = sys.argv[1:4]
    # Before weft starts, so that the watchdog is a real thread: it must bark when fibers hang.
    faulthandler.dump_traceback_later(int(os.environ["WEFT_CONFORMANCE_TIMEOUT"]), exit=True)
    if mode == "weft":
        import weft

        weft.init()
    import test.support

    test.support.verbose = 0
    # What is merely slow is wanted. The network beyond loopback is not there; the one module that
    # asks for it as a whole uses loopback only.
    test.support.use_resources = ["cpu", "subprocess", "walltime"]
    if module == "test_socketserver":
        test.support.use_resources.append("network")
    loaded = importlib.import_module(f"test.{module}")
    if hasattr(loaded, "load_tests") or not module.count("."):
        suite = unittest.defaultTestLoader.loadTestsFromModule(loaded)
    else:
        suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")
    skip = set(json.loads(os.environ.get("WEFT_CONFORMANCE_SKIP", "[]")))
    chosen = unittest.TestSuite(t for t in tests_of(suite) if t.id() not in skip)
    runner = unittest.TextTestRunner(resultclass=Report, verbosity=0, stream=sys.stdout)
    result = runner.run(chosen)
    assert isinstance(result, Report)
    with open(report, "w", encoding="utf-8") as out:
        json.dump({"passed": result.passed, "failed": result.bad, "skipped": result.left_out}, out)
    # What tests leave behind (threads, children) is not this process's to wait for.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
