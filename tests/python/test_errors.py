"""Errors: groups, their order, notes, tracebacks, who is cancelled by them."""

from __future__ import annotations

import asyncio
import gc
import time
import traceback
import unittest
import weakref
from collections.abc import Iterator

import weft
from support import HANG, Case


def fail(error: BaseException, after: float = 0.0) -> None:
    time.sleep(after)
    raise error


class Groups(Case):
    def test_one(self) -> None:
        error = ValueError("x")
        with self.fails_with(ValueError) as caught, weft.create_task_group(name="g") as group:
            group.start_soon(fail)(error)
        assert isinstance(caught[0], ExceptionGroup)
        self.assertIs(caught[0].exceptions[0], error)
        self.assertIn("1 error in task group 'g'", str(caught[0]))

    def test_every_error_in_spawn_order(self) -> None:
        def stubborn(error: Exception, turn: float) -> None:
            try:
                time.sleep(1000)
            finally:
                with weft.shield():
                    time.sleep(turn)
                raise error

        kinds = [KeyError, IndexError, OSError, ValueError]
        with self.fails_with(*kinds, ZeroDivisionError) as caught:
            with weft.create_task_group() as group:
                for i, kind in enumerate(kinds):
                    group.start_soon(stubborn)(kind(), 0.02 - 0.005 * i)
                group.start_soon(fail)(ZeroDivisionError(), 0.01)
        self.assertIn("5 errors in a task group", str(caught[0]))

    def test_siblings_and_body_are_cancelled(self) -> None:
        unwound: list[int] = []

        def wait(i: int) -> None:
            try:
                time.sleep(1000)
            finally:
                unwound.append(i)

        body = False
        with self.fails_with(ValueError), weft.create_task_group() as group:
            for i in range(20):
                group.start_soon(wait)(i)
            group.start_soon(fail)(ValueError(), 0.01)
            try:
                time.sleep(1000)
            except weft.Cancelled:
                body = True
                raise
        self.assertEqual(sorted(unwound), list(range(20)))
        self.assertTrue(body)

    def test_the_bodys_error_comes_first(self) -> None:
        def stubborn() -> None:
            try:
                time.sleep(1000)
            finally:
                raise KeyError

        with self.fails_with(ValueError, KeyError), weft.create_task_group() as group:
            group.start_soon(stubborn)()
            time.sleep(0.01)
            raise ValueError

    def test_the_bodys_error_alone(self) -> None:
        with self.fails_with(ValueError), weft.create_task_group() as group:
            group.start_soon(time.sleep)(1000)
            raise ValueError

    def test_nested_groups_do_not_collapse(self) -> None:
        def inner() -> None:
            with weft.create_task_group() as group:
                group.start_soon(fail)(ValueError())

        with self.fails_with(ExceptionGroup) as caught, weft.create_task_group() as group:
            group.start_soon(inner)()
        outer = caught[0]
        assert isinstance(outer, ExceptionGroup)
        assert isinstance(outer.exceptions[0], ExceptionGroup)
        self.assertIsInstance(outer.exceptions[0].exceptions[0], ValueError)

    def test_a_result_raised_in_the_body_is_listed_once(self) -> None:
        with self.fails_with(ValueError), weft.create_task_group() as group:
            task = group.start_soon(fail)(ValueError())
            with weft.shield():
                task.result()

    def test_base_exceptions(self) -> None:
        class Odd(BaseException):
            pass

        with self.fails_with(Odd) as caught, weft.create_task_group() as group:
            group.start_soon(fail)(Odd())
        self.assertNotIsInstance(caught[0], ExceptionGroup)

    def test_except_star(self) -> None:
        caught: list[BaseException] = []
        try:
            with weft.create_task_group() as group:
                group.start_soon(fail)(KeyError())
        except* KeyError as errors:
            caught.extend(errors.exceptions)
        self.assertEqual(len(caught), 1)

    def test_an_error_beats_an_outer_cancel(self) -> None:
        def stubborn() -> None:
            try:
                time.sleep(1000)
            finally:
                raise KeyError

        with self.fails_with(KeyError), weft.move_on_after(0.01) as scope:
            with weft.create_task_group() as group:
                group.start_soon(stubborn)()
        self.assertFalse(scope.cancelled_caught)

    def test_a_cancelled_child_is_no_error(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(1000)
            other = group.start_soon(time.sleep)(0.02)
            time.sleep(0.01)
            task.cancel()
        self.assertEqual((task.status, other.status), ("cancelled", "done"))

    def test_except_exception_does_not_catch_a_cancel(self) -> None:
        reached = False

        def careless() -> None:
            nonlocal reached
            try:
                time.sleep(1000)
            except Exception:
                reached = True

        with weft.create_task_group() as group:
            group.start_soon(careless)()
            time.sleep(0.01)
            group.cancel()
        self.assertFalse(reached)


class Reports(Case):
    def test_note_and_traceback(self) -> None:
        try:
            with weft.create_task_group() as group:
                group.start_soon(fail, name="bad one")(ValueError("x"))
        except ExceptionGroup as caught:
            error = caught.exceptions[0]
        first = self.test_note_and_traceback.__func__.__code__.co_firstlineno
        where = f"test_errors.py:{first + 3} "
        self.assertEqual(len(error.__notes__), 1)
        self.assertIn(where, error.__notes__[0])
        self.assertIn("in Reports.test_note_and_traceback", error.__notes__[0])
        self.assertIn("'bad one'", error.__notes__[0])
        self.assertEqual([f.name for f in traceback.extract_tb(error.__traceback__)], ["fail"])

    def test_reading_a_result_often_keeps_the_traceback_short(self) -> None:
        with self.fails_with(ValueError), weft.create_task_group() as group:
            task = group.start_soon(fail)(ValueError())
        depths = set()
        for _ in range(5):
            try:
                task.result()
            except ValueError as error:
                depths.add(len(traceback.extract_tb(error.__traceback__)))
        self.assertEqual(len(depths), 1)

    def test_an_exception_that_takes_no_notes(self) -> None:
        class Closed(Exception):
            def add_note(self, note: str) -> None:
                raise TypeError

        with self.fails_with(Closed), weft.create_task_group() as group:
            group.start_soon(fail)(Closed())

    def test_cancelled_texts(self) -> None:
        self.assertEqual(str(weft.Cancelled()), "cancelled")
        self.assertEqual(str(weft.Cancelled("why")), "cancelled: why")
        self.assertIn("deadline", str(weft.Cancelled(None, weft.Reason.DEADLINE)))

    def test_nothing_is_printed(self) -> None:
        import contextlib
        import io
        import sys

        hooked: list[object] = []
        real = sys.unraisablehook
        sys.unraisablehook = hooked.append
        try:
            with contextlib.redirect_stderr(io.StringIO()) as printed:
                with self.fails_with(ValueError), weft.create_task_group() as group:
                    group.start_soon(fail)(ValueError())
        finally:
            sys.unraisablehook = real
        self.assertEqual((printed.getvalue(), hooked), ("", []))

    def test_errors_are_freed(self) -> None:
        class Mine(Exception):
            pass

        def once() -> weakref.ref[BaseException]:
            error = Mine()
            try:
                with weft.create_task_group() as group:
                    group.start_soon(fail)(error)
            except ExceptionGroup:
                pass
            return weakref.ref(error)

        watch = once()
        gc.collect()
        self.assertIsNone(watch())


class Passing(Case):
    """Exceptions that code outside the block waits for by type."""

    def test_generator_exit(self) -> None:
        ended: list[str] = []

        def work() -> Iterator[int]:
            with weft.create_task_group() as group:
                task = group.start_soon(time.sleep)(1000)
                yield 1
            ended.append(task.status)

        generator = work()
        next(generator)
        generator.close()
        self.assertEqual(ended, [])

    def test_asyncio_cancelled(self) -> None:
        async def work() -> None:
            with weft.create_task_group():
                await asyncio.sleep(1000)

        async def main() -> bool:
            task = asyncio.create_task(work())
            await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return True
            return False

        self.assertTrue(asyncio.run(main()))

    def test_deep_chains(self) -> None:
        def deep(n: int) -> None:
            if n == 0:
                raise ValueError
            with weft.create_task_group() as group:
                group.start_soon(deep)(n - 1)

        try:
            deep(30)
        except ExceptionGroup as error:
            depth = 0
            inner: BaseException = error
            while isinstance(inner, ExceptionGroup):
                inner = inner.exceptions[0]
                depth += 1
            self.assertEqual(depth, 30)


class Timing(Case):
    def test_a_failure_ends_a_long_wait(self) -> None:
        with weft.fail_after(HANG), self.fails_with(ValueError):
            with weft.create_task_group() as group:
                group.start_soon(time.sleep)(10 * HANG)
                group.start_soon(fail)(ValueError())


if __name__ == "__main__":
    unittest.main()
