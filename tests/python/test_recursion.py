"""Deep recursion in a fiber ends with RecursionError, as it does in the main thread."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable

import weft
from support import Case, python


def python_recursion(n: int) -> int:
    return python_recursion(n + 1) + 1


def through_c(n: int) -> int:
    return max(map(through_c, [n + 1]))


def nested_list(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


class Recursion(Case):
    def ends_with_recursion_error(self, *calls: Callable[[], object]) -> None:
        for call in calls:
            with self.fails_with(RecursionError), weft.create_task_group() as group:
                group.start_soon(call)()

    def test_python(self) -> None:
        self.ends_with_recursion_error(lambda: python_recursion(0), lambda: through_c(0))

    def test_c(self) -> None:
        value = nested_list(100_000)
        self.ends_with_recursion_error(lambda: repr(value), lambda: json.dumps(value))

    def test_many_at_once(self) -> None:
        def work() -> str:
            try:
                python_recursion(0)
            except RecursionError:
                return "ended"
            return "returned"

        with weft.create_task_group() as group:
            tasks = [group.start_soon(work)() for _ in range(50)]
        self.assertEqual({t.result() for t in tasks}, {"ended"})

    def test_a_raised_limit(self) -> None:
        result = python(
            """
            import sys, weft
            weft.init()
            sys.setrecursionlimit(20_000)
            def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
            with weft.create_task_group() as group:
                task = group.start_soon(deep)(10_000)
            print(task.result())
            """
        )
        self.assertEqual((result.stdout, result.returncode), ("10000\n", 0), result.stderr)


if __name__ == "__main__":
    unittest.main()
