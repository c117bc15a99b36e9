"""Scopes and tokens: deadlines, cancels, shields, what absorbs what."""

from __future__ import annotations

import math
import threading
import time
import unittest

import weft
from support import HANG, Case, wait_until


class MoveOn(Case):
    def test_it_cuts(self) -> None:
        with weft.move_on_after(0.01) as scope:
            time.sleep(1000)
            self.fail("not reached")
        self.assertTrue(scope.cancelled_caught)
        self.assertTrue(scope.cancelled)

    def test_it_leaves_the_quick_alone(self) -> None:
        with weft.move_on_after(HANG) as scope:
            value = 1
            time.sleep(0.001)
        self.assertEqual(value, 1)
        self.assertFalse(scope.cancelled_caught)
        self.assertFalse(scope.cancelled)

    def test_at(self) -> None:
        deadline = time.monotonic() + 0.01
        with weft.move_on_at(deadline) as scope:
            self.assertAlmostEqual(scope.deadline, deadline, places=6)
            time.sleep(1000)
        self.assertTrue(scope.cancelled_caught)

    def test_zero_and_the_past(self) -> None:
        for scope in (weft.move_on_after(0), weft.move_on_after(-1), weft.move_on_at(0)):
            with scope:
                time.sleep(1000)
            self.assertTrue(scope.cancelled_caught)

    def test_for_ever(self) -> None:
        with weft.move_on_after(math.inf) as scope:
            time.sleep(0.001)
            self.assertEqual(scope.deadline, math.inf)
        self.assertFalse(scope.cancelled_caught)

    def test_nan(self) -> None:
        for make in (weft.move_on_after, weft.move_on_at, weft.fail_after, weft.fail_at):
            with self.assertRaises(ValueError):
                make(math.nan)

    def test_level_triggered(self) -> None:
        cuts = 0
        with weft.move_on_after(0.01) as scope:
            for _ in range(5):
                try:
                    time.sleep(1000)
                except weft.Cancelled:
                    cuts += 1
            time.sleep(1000)
        self.assertEqual(cuts, 5)
        self.assertTrue(scope.cancelled_caught)
        time.sleep(0.001)  # left: waits work again

    def test_swallowed_is_not_caught(self) -> None:
        with weft.move_on_after(0.01) as scope:
            try:
                time.sleep(1000)
            except weft.Cancelled:
                pass
        self.assertFalse(scope.cancelled_caught)

    def test_what_does_not_wait_completes(self) -> None:
        lock = threading.Lock()
        with weft.move_on_after(0):
            with lock:
                pass
            lock.acquire()
            lock.release()
            time.sleep(1000)
        self.assertFalse(lock.locked())

    def test_another_error_travels(self) -> None:
        with self.assertRaises(KeyError), weft.move_on_after(0.01):
            try:
                time.sleep(1000)
            finally:
                raise KeyError

    def test_entered_twice(self) -> None:
        scope = weft.move_on_after(1)
        with scope:
            pass
        with self.assertRaises(RuntimeError), scope:
            pass

    def test_the_body_may_set_names(self) -> None:
        with weft.fail_after(HANG):
            value = 3
        self.assertEqual(value, 3)


class Fail(Case):
    def test_timeout_error(self) -> None:
        with self.assertRaisesRegex(TimeoutError, r"0\.01 s") as caught:
            with weft.fail_after(0.01):
                time.sleep(1000)
        cause = caught.exception.__cause__
        assert isinstance(cause, weft.Cancelled)
        self.assertEqual(cause.code, weft.Reason.DEADLINE)

    def test_at(self) -> None:
        with self.assertRaises(TimeoutError), weft.fail_at(time.monotonic() + 0.01):
            time.sleep(1000)

    def test_own_cancel_is_no_timeout(self) -> None:
        with weft.fail_after(HANG) as scope:
            scope.cancel("enough")
            time.sleep(1000)
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(scope.reason, "enough")

    def test_late_but_done(self) -> None:
        with weft.fail_after(0.001) as scope:
            end = time.monotonic() + 0.01
            while time.monotonic() < end:
                pass
        self.assertFalse(scope.cancelled_caught)


class Nesting(Case):
    def test_the_inner_deadline(self) -> None:
        with weft.move_on_after(HANG) as outer:
            with weft.move_on_after(0.01) as inner:
                time.sleep(1000)
            time.sleep(0.001)
        self.assertEqual((outer.cancelled_caught, inner.cancelled_caught), (False, True))

    def test_the_outer_deadline(self) -> None:
        with weft.move_on_after(0.01) as outer:
            with weft.move_on_after(HANG) as inner:
                time.sleep(1000)
            self.fail("not reached")
        self.assertEqual((outer.cancelled_caught, inner.cancelled_caught), (True, False))

    def test_both(self) -> None:
        with weft.move_on_after(0.001) as outer:
            with weft.move_on_after(0.001) as inner:
                time.sleep(1000)
            self.fail("an outer cancel wins")
        self.assertEqual((outer.cancelled_caught, inner.cancelled_caught), (True, False))

    def test_an_outer_timeout_is_the_outers(self) -> None:
        with self.assertRaises(TimeoutError):
            with weft.fail_after(0.01):
                with weft.fail_after(HANG):
                    time.sleep(1000)

    def test_a_deadline_reaches_children(self) -> None:
        finished: list[int] = []

        def work(depth: int) -> None:
            try:
                if depth:
                    with weft.create_task_group() as group:
                        group.start_soon(work)(depth - 1)
                        group.start_soon(work)(depth - 1)
                else:
                    time.sleep(1000)
            finally:
                finished.append(depth)

        with weft.move_on_after(0.02) as scope:
            work(4)
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(len(finished), 31)

    def test_a_scope_in_a_child(self) -> None:
        def work() -> bool:
            with weft.move_on_after(0.01) as scope:
                time.sleep(1000)
            return scope.cancelled_caught

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
        self.assertTrue(task.result())

    def test_a_group_absorbs_its_own(self) -> None:
        with weft.create_task_group() as group:
            group.start_soon(time.sleep)(1000)
            group.cancel("over")
            time.sleep(1000)
            self.fail("not reached")

    def test_an_outer_cancel_leaves_the_group(self) -> None:
        reached = False
        with weft.move_on_after(0.01) as scope:
            with weft.create_task_group() as group:
                group.start_soon(time.sleep)(1000)
            reached = True
        self.assertTrue(scope.cancelled_caught)
        self.assertFalse(reached)

    def test_an_outer_cancel_wins_over_the_groups(self) -> None:
        with weft.move_on_after(HANG) as scope:
            with weft.create_task_group() as group:
                group.start_soon(time.sleep)(1000)
                group.cancel()
                scope.cancel()
            self.fail("not reached")
        self.assertTrue(scope.cancelled_caught)

    def test_left_out_of_order(self) -> None:
        outer, inner = weft.move_on_after(HANG), weft.move_on_after(HANG)
        outer.__enter__()
        inner.__enter__()
        with self.assertRaises(weft.WeftError) as caught:
            outer.__exit__(None, None, None)
        self.assertEqual(caught.exception.name, "WEFT_EORDER")
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)


class Groups(Case):
    """Exception groups that somebody else made, with a Cancelled among others."""

    def test_only_cancelled(self) -> None:
        with weft.move_on_after(0.01) as scope:
            try:
                time.sleep(1000)
            except weft.Cancelled as error:
                raise BaseExceptionGroup("mixed", [error]) from None
        self.assertTrue(scope.cancelled_caught)

    def test_the_rest_travels(self) -> None:
        with self.fails_with(KeyError), weft.move_on_after(0.01) as scope:
            try:
                time.sleep(1000)
            except weft.Cancelled as error:
                raise BaseExceptionGroup("mixed", [error, KeyError()]) from None
        self.assertTrue(scope.cancelled_caught)

    def test_in_a_child(self) -> None:
        def work() -> None:
            try:
                time.sleep(1000)
            except weft.Cancelled as error:
                raise BaseExceptionGroup("mixed", [error, KeyError()]) from None

        with self.fails_with(ExceptionGroup), weft.create_task_group() as group:
            task = group.start_soon(work)()
            time.sleep(0.01)
            task.cancel()
        self.assertEqual(task.status, "failed")


class Shield(Case):
    def test_shield_holds(self) -> None:
        done = False
        with weft.move_on_after(0.001) as scope:
            try:
                time.sleep(1000)
            finally:
                with weft.shield():
                    time.sleep(0.01)
                    done = True
        self.assertTrue(done)
        self.assertTrue(scope.cancelled_caught)

    def test_cancelled_while_inside(self) -> None:
        steps: list[str] = []
        with weft.move_on_after(0.005):
            with weft.shield():
                time.sleep(0.02)
                steps.append("inside")
            time.sleep(1000)
            steps.append("after")
        self.assertEqual(steps, ["inside"])

    def test_grace_ends(self) -> None:
        with weft.move_on_after(0.001) as scope:
            with weft.shield(grace=0.02):
                time.sleep(1000)
            self.fail("not reached")
        self.assertTrue(scope.cancelled_caught)

    def test_own_deadline_inside(self) -> None:
        with weft.move_on_after(0.001):
            with weft.move_on_after(0.01, shield=True) as scope:
                time.sleep(1000)
            self.assertTrue(scope.cancelled_caught)
            time.sleep(1000)

    def test_tasks_of_a_shielded_group(self) -> None:
        with weft.create_task_group() as outer:
            outer.cancel()
            with weft.shield(), weft.create_task_group() as group:
                task = group.start_soon(time.sleep)(0.005)
            self.assertEqual(task.status, "done")


class Tokens(Case):
    def test_current(self) -> None:
        with weft.move_on_after(HANG) as scope:
            token = weft.current_token()
            self.assertFalse(token.cancelled)
            self.assertIsNone(token.reason)
            self.assertAlmostEqual(token.deadline, scope.deadline, places=6)
            self.assertEqual(token.code, weft.Reason.NONE)
        self.assertIn("Token", repr(token))

    def test_cancel_from_a_task(self) -> None:
        with weft.move_on_after(HANG) as scope:
            token = weft.current_token()
            with weft.create_task_group() as group:
                group.start_soon(token.cancel)("from below")
                time.sleep(1000)
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(scope.reason, "from below")

    def test_of_a_group(self) -> None:
        with weft.create_task_group():
            weft.current_token().cancel("me too")
            with self.assertRaises(weft.Cancelled) as caught:
                time.sleep(1000)
        self.assertEqual(caught.exception.reason, "me too")
        self.assertEqual(str(caught.exception), "cancelled: me too")

    def test_the_first_reason_stays(self) -> None:
        with weft.move_on_after(HANG) as scope:
            scope.cancel("first")
            scope.cancel("second")
            self.assertEqual(scope.reason, "first")
        self.assertFalse(scope.cancelled_caught)

    def test_a_token_outlives_its_scope(self) -> None:
        with weft.move_on_after(HANG):
            token = weft.current_token()
        token.cancel("too late")
        time.sleep(0.001)

    def test_deadlines_are_inherited(self) -> None:
        def look() -> float:
            return weft.current_token().deadline

        with weft.move_on_after(HANG) as scope:
            with weft.create_task_group() as group:
                task = group.start_soon(look)()
        self.assertAlmostEqual(task.result(), scope.deadline, places=6)

    def test_many(self) -> None:
        for _ in range(1000):
            weft.current_token()


class Checkpoints(Case):
    def test_it_raises(self) -> None:
        rounds = 0
        with weft.move_on_after(0.01) as scope:
            while True:
                weft.checkpoint()
                rounds += 1
        self.assertTrue(scope.cancelled_caught)
        self.assertGreater(rounds, 0)

    def test_it_lets_others_run(self) -> None:
        seen: list[int] = []
        with weft.create_task_group() as group:
            group.start_soon(seen.append)(1)
            end = time.monotonic() + HANG
            while not seen and time.monotonic() < end:
                weft.checkpoint()
        self.assertEqual(seen, [1])


class Reasons(Case):
    def test_failed(self) -> None:
        codes: list[weft.Reason] = []

        def wait() -> None:
            try:
                time.sleep(1000)
            except weft.Cancelled as error:
                codes.append(error.code)
                raise

        def fail() -> None:
            wait_until(lambda: waiting.status == "running")
            raise ValueError

        with self.fails_with(ValueError), weft.create_task_group() as group:
            waiting = group.start_soon(wait)()
            group.start_soon(fail)()
        self.assertEqual(codes, [weft.Reason.FAILED])

    def test_deadline(self) -> None:
        with weft.move_on_after(0.01):
            with self.assertRaises(weft.Cancelled) as caught:
                time.sleep(1000)
        self.assertEqual(caught.exception.code, weft.Reason.DEADLINE)


if __name__ == "__main__":
    unittest.main()
