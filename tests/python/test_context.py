"""What a task has of its own: context variables, thread locals, identity."""

from __future__ import annotations

import contextvars
import decimal
import threading
import time
import unittest

import weft
from support import Case

VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE", default=0)


class Context(Case):
    def test_inherited_at_spawn(self) -> None:
        def read() -> int:
            time.sleep(0.001)
            return VARIABLE.get()

        VARIABLE.set(1)
        with weft.create_task_group() as group:
            first = group.start_soon(read)()
            VARIABLE.set(2)
            second = group.start_soon(read)()
        self.assertEqual((first.result(), second.result()), (1, 2))

    def test_changes_stay_inside(self) -> None:
        def change(i: int) -> int:
            VARIABLE.set(i)
            time.sleep(0.001)
            return VARIABLE.get()

        VARIABLE.set(-1)
        with weft.create_task_group() as group:
            tasks = [group.start_soon(change)(i) for i in range(50)]
        self.assertEqual([t.result() for t in tasks], list(range(50)))
        self.assertEqual(VARIABLE.get(), -1)

    def test_in_a_coroutine(self) -> None:
        async def read() -> int:
            return VARIABLE.get()

        VARIABLE.set(7)
        with weft.create_task_group() as group:
            task = group.start_soon(read)()
        self.assertEqual(task.result(), 7)

    def test_decimal_context(self) -> None:
        def divide(digits: int) -> str:
            decimal.getcontext().prec = digits
            time.sleep(0.001)
            return str(decimal.Decimal(1) / 3)

        with weft.create_task_group() as group:
            tasks = [group.start_soon(divide)(i) for i in range(1, 20)]
        self.assertEqual([len(t.result()) - 2 for t in tasks], list(range(1, 20)))


class Locals(Case):
    def test_thread_local(self) -> None:
        local = threading.local()

        def use(i: int) -> int:
            assert not hasattr(local, "value")
            local.value = i
            time.sleep(0.001)
            value: int = local.value
            return value

        with weft.create_task_group() as group:
            tasks = [group.start_soon(use)(i) for i in range(200)]
        self.assertEqual([t.result() for t in tasks], list(range(200)))
        self.assertFalse(hasattr(local, "value"))

    def test_identity(self) -> None:
        def look() -> tuple[int, int, int | None]:
            thread = threading.current_thread()
            time.sleep(0.005)
            assert threading.current_thread() is thread
            return threading.get_ident(), threading.get_native_id(), thread.ident

        with weft.create_task_group() as group:
            tasks = [group.start_soon(look)() for _ in range(100)]
        found = [t.result() for t in tasks]
        self.assertEqual(len({ident for ident, _, _ in found}), 100)
        self.assertEqual(len({native for _, native, _ in found}), 100)
        self.assertTrue(all(ident == known for ident, _, known in found))

    def test_enumerate(self) -> None:
        def look() -> bool:
            return threading.current_thread() in threading.enumerate()

        with weft.create_task_group() as group:
            task = group.start_soon(look)()
        self.assertTrue(task.result())

    def test_rlock_owner(self) -> None:
        lock = threading.RLock()
        inside = most = 0

        def work() -> None:
            nonlocal inside, most
            with lock, lock:
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

        with weft.create_task_group() as group:
            for _ in range(50):
                group.start_soon(work)()
        self.assertEqual(most, 1)


if __name__ == "__main__":
    unittest.main()
