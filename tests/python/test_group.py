"""Task groups and tasks: spawning, results, status, limits, the start handshake, misuse."""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
import unittest
import weakref

import weft
from support import Case, python, wait_until


def add(a: int, b: int = 0) -> int:
    time.sleep(0.001)
    return a + b


class Spawning(Case):
    def test_results(self) -> None:
        with weft.create_task_group() as group:
            tasks = [group.start_soon(add)(i, b=1) for i in range(100)]
        self.assertEqual([t.result() for t in tasks], list(range(1, 101)))
        self.assertEqual({t.status for t in tasks}, {"done"})

    def test_empty(self) -> None:
        with weft.create_task_group() as group:
            pass
        self.assertIn("closed", repr(group))

    def test_they_overlap(self) -> None:
        arrived = threading.Barrier(50)
        with weft.create_task_group() as group:
            for _ in range(50):
                group.start_soon(arrived.wait)()
        self.assertFalse(arrived.broken)

    def test_kinds_of_callables(self) -> None:
        class Callable:
            def __call__(self, x: int) -> int:
                return x

            def method(self, x: int) -> int:
                return x

            @classmethod
            def of_class(cls, x: int) -> int:
                return x

        with weft.create_task_group() as group:
            tasks = [
                group.start_soon(Callable())(1),
                group.start_soon(Callable().method)(1),
                group.start_soon(Callable.of_class)(1),
                group.start_soon(functools.partial(add, 0))(1),
                group.start_soon(lambda: 1)(),
                group.start_soon(abs)(-1),
            ]
        self.assertEqual([t.result() for t in tasks], [1] * 6)

    def test_one_function_many_calls(self) -> None:
        with weft.create_task_group() as group:
            spawn = group.start_soon(add)
            tasks = list(map(spawn, range(5), range(5)))
        self.assertEqual([t.result() for t in tasks], [0, 2, 4, 6, 8])

    def test_child_spawns_into_the_group(self) -> None:
        seen: list[int] = []

        def spread(depth: int) -> None:
            seen.append(depth)
            if depth:
                group.start_soon(spread)(depth - 1)
                group.start_soon(spread)(depth - 1)

        with weft.create_task_group() as group:
            group.start_soon(spread)(6)
        self.assertEqual(len(seen), 127)

    def test_nested_groups(self) -> None:
        def level(depth: int) -> int:
            if depth == 0:
                return 1
            with weft.create_task_group() as group:
                tasks = [group.start_soon(level)(depth - 1) for _ in range(3)]
            return sum(t.result() for t in tasks)

        self.assertEqual(level(4), 81)

    def test_wrong_arguments_are_the_tasks_error(self) -> None:
        with self.fails_with(TypeError), weft.create_task_group() as group:
            group.start_soon(add)(1, 2, 3)  # type: ignore[call-arg]

    def test_a_task_group_of_a_plain_thread(self) -> None:
        results: list[int] = []

        def work() -> None:
            with weft.create_task_group() as group:
                task = group.start_soon(add)(1, 2)
            results.append(task.result())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(results, [3])


class Tasks(Case):
    def test_names(self) -> None:
        with weft.create_task_group(name="g") as group:
            a = group.start_soon(add)(1)
            b = group.start_soon(add, name="b")(1)
            c = group.start_soon(functools.partial(add, 1))()
        self.assertEqual([a.name, b.name, c.name], ["add", "b", "add"])
        self.assertEqual(group.name, "g")
        self.assertIn("'g'", repr(group))
        self.assertEqual(repr(b), "<Task 'b' done>")

    def test_status(self) -> None:
        go = threading.Event()

        def linger() -> None:
            try:
                time.sleep(1000)
            finally:
                with weft.shield():
                    go.wait()

        with weft.create_task_group() as group:
            task = group.start_soon(linger)()
            self.assertEqual(task.status, "pending")
            wait_until(lambda: task.status == "running")
            self.assertFalse(task.done())
            task.cancel()
            wait_until(lambda: task.status == "cancelling")
            go.set()
            wait_until(task.done)
            self.assertEqual(task.status, "cancelled")

        async def later() -> None:
            raise KeyError

        with self.fails_with(KeyError), weft.create_task_group() as group:
            failing = group.start_soon(later)()
        self.assertEqual(failing.status, "failed")

    def test_result_waits(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(add)(1, 1)
            self.assertEqual(task.result(), 2)
            self.assertIsNone(task.exception())

    def test_many_wait_for_one(self) -> None:
        go = threading.Event()
        with weft.create_task_group() as group:
            task = group.start_soon(go.wait)()
            readers = [group.start_soon(task.result)() for _ in range(200)]
            time.sleep(0.01)
            go.set()
        self.assertEqual([r.result() for r in readers], [True] * 200)

    def test_result_timeout(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(1000)
            with self.assertRaises(TimeoutError):
                task.result(timeout=0.01)
            with self.assertRaises(TimeoutError):
                task.exception(timeout=0)
            task.cancel()

    def test_result_of_a_cancelled_task(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(1000)
            time.sleep(0.01)
            task.cancel("not needed")
            with self.assertRaises(weft.TaskCancelled) as caught:
                task.result()
            self.assertEqual(caught.exception.reason, "not needed")
            self.assertEqual(caught.exception.code, weft.Reason.CANCEL)
            self.assertIsInstance(task.exception(), weft.Cancelled)

    def test_waiting_for_itself(self) -> None:
        tasks: list[weft.Task[object]] = []

        def own() -> None:
            wait_until(lambda: tasks)
            tasks[0].result()

        with self.fails_with(RuntimeError), weft.create_task_group() as group:
            tasks.append(group.start_soon(own)())

    def test_waiting_is_cancellable(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(1000)
            with weft.move_on_after(0.01) as scope:
                task.result()
            self.assertTrue(scope.cancelled_caught)
            self.assertFalse(task.done())
            task.cancel()

    def test_cancel_of_an_ended_task(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(add)(1)
            task.result()
            task.cancel()
        task.cancel()
        self.assertEqual(task.status, "done")

    def test_cancel_before_it_began(self) -> None:
        ran: list[int] = []
        with weft.create_task_group() as group:
            task = group.start_soon(ran.append)(1)
            task.cancel()
        self.assertEqual(ran, [])
        self.assertEqual(task.status, "cancelled")

    def test_nothing_is_kept(self) -> None:
        class Big:
            pass

        def work(big: Big) -> Big:
            return big

        big = Big()
        watch = weakref.ref(big)
        with weft.create_task_group() as group:
            task = group.start_soon(work)(big)
        del big
        self.assertIs(task.result(), watch())
        del task
        gc.collect()
        self.assertIsNone(watch())


class Limits(Case):
    def test_limit(self) -> None:
        now = most = 0

        def work() -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            time.sleep(0.002)
            now -= 1

        with weft.create_task_group(limit=4) as group:
            for _ in range(40):
                group.start_soon(work)()
        self.assertEqual(most, 4)

    def test_waiting_for_a_place_is_cancellable(self) -> None:
        with weft.create_task_group(limit=1) as group:
            first = group.start_soon(time.sleep)(1000)
            with weft.move_on_after(0.01) as scope:
                group.start_soon(add)(1)
            self.assertTrue(scope.cancelled_caught)
            first.cancel()
            self.assertEqual(group.start_soon(add)(1, 1).result(), 2)

    def test_a_failure_ends_the_queue(self) -> None:
        ran: list[int] = []

        def fail() -> None:
            time.sleep(0.01)
            raise ValueError

        with self.fails_with(ValueError), weft.create_task_group(limit=2) as group:
            group.start_soon(fail)()
            for i in range(1000):
                group.start_soon(time.sleep)(1)
                ran.append(i)
        self.assertLess(len(ran), 1000)

    def test_bad_limit(self) -> None:
        for limit in (0, -1):
            with self.assertRaises(ValueError):
                weft.create_task_group(limit=limit)


class Starting(Case):
    def test_handshake(self) -> None:
        stop = threading.Event()

        def serve(started: weft.Started[int], host: str, *, port: int) -> str:
            time.sleep(0.01)
            started(port + 1)
            stop.wait()
            return host

        with weft.create_task_group() as group:
            service = group.start(serve)("h", port=79)
            self.assertEqual(service.started, 80)
            self.assertFalse(service.done())
            stop.set()
            self.assertEqual(service.result(), "h")

    def test_async(self) -> None:
        async def serve(started: weft.Started[str]) -> int:
            started("up")
            return 1

        with weft.create_task_group() as group:
            service = group.start(serve)()
            self.assertEqual(service.started, "up")
        self.assertEqual(service.result(), 1)

    def test_failure_before_started_is_the_callers(self) -> None:
        def serve(started: weft.Started[int], port: int) -> None:
            if port == 1:
                raise OSError("taken")
            started(port)

        with weft.create_task_group() as group:
            try:
                service = group.start(serve)(1)
            except OSError as error:
                self.assertIn("spawned at", error.__notes__[0])
                service = group.start(serve)(2)
        self.assertEqual(service.started, 2)

    def test_ending_without_started(self) -> None:
        def serve(started: weft.Started[int]) -> None:
            pass

        with weft.create_task_group() as group:
            with self.assertRaisesRegex(RuntimeError, "without calling started"):
                group.start(serve)()

    def test_started_twice(self) -> None:
        def serve(started: weft.Started[int]) -> None:
            started(1)
            started(2)

        with self.fails_with(RuntimeError), weft.create_task_group() as group:
            group.start(serve)()

    def test_failure_after_started_is_the_groups(self) -> None:
        def serve(started: weft.Started[int]) -> None:
            started(1)
            raise KeyError

        with self.fails_with(KeyError), weft.create_task_group() as group:
            group.start(serve)()

    def test_the_wait_is_cancellable(self) -> None:
        def serve(started: weft.Started[int]) -> None:
            time.sleep(1000)

        with weft.create_task_group() as group:
            with weft.move_on_after(0.01) as scope:
                group.start(serve)()
            self.assertTrue(scope.cancelled_caught)


class Misuse(Case):
    def test_not_entered(self) -> None:
        with self.assertRaises(weft.WeftError) as caught:
            weft.create_task_group().start_soon(add)(1)
        self.assertEqual(caught.exception.name, "WEFT_EBADHANDLE")
        self.assertIn("`with` block", str(caught.exception))

    def test_closed(self) -> None:
        with weft.create_task_group() as group:
            pass
        with self.assertRaises(weft.WeftError):
            group.start_soon(add)(1)
        group.cancel()

    def test_entered_twice(self) -> None:
        with weft.create_task_group() as group:
            with self.assertRaises(RuntimeError):
                group.__enter__()

    def test_left_by_another_fiber(self) -> None:
        with weft.create_task_group() as group:
            with self.assertRaises(BaseException), weft.create_task_group() as other:
                other.start_soon(group.__exit__)(None, None, None)

    def test_init_is_idempotent(self) -> None:
        weft.init()
        weft.init()

    def test_init_missing_or_elsewhere(self) -> None:
        result = python(
            """
            import threading, weft
            try:
                weft.create_task_group().__enter__()
            except weft.WeftError as error:
                print(error)
            def elsewhere():
                try:
                    weft.init()
                except RuntimeError as error:
                    print(error)
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            weft.init()
            """
        )
        lines = result.stdout.splitlines()
        self.assertEqual((len(lines), result.returncode), (2, 0), result.stderr)
        self.assertIn("call weft.init()", lines[0])
        self.assertIn("main thread", lines[1])

    def test_many_groups_leave_no_threads_behind(self) -> None:
        before = len(threading._active)  # type: ignore[attr-defined]

        def look() -> str:
            return threading.current_thread().name

        for _ in range(20):
            with weft.create_task_group() as group:
                tasks = [group.start_soon(look)() for _ in range(10)]
            self.assertTrue(all(t.result().startswith("Dummy-") for t in tasks))
        self.assertEqual(len(threading._active), before)  # type: ignore[attr-defined]

    def test_spawn_failure_is_taken_back(self) -> None:
        if sys.gettrace() is not None:
            self.skipTest("a tracer changes it")
        from weft import _group

        def no_thread(*_: object) -> int:
            raise RuntimeError("can't start new thread")

        real = _group._start_new_thread
        with weft.create_task_group() as group:
            _group._start_new_thread = no_thread
            try:
                with self.assertRaisesRegex(RuntimeError, "new thread"):
                    group.start_soon(add)(1)
            finally:
                _group._start_new_thread = real
            self.assertEqual(group.start_soon(add)(1, 1).result(), 2)


class RealThreads(Case):
    """Threads that were there before weft.init() stay real; fibers and they work together."""

    def test_together(self) -> None:
        result = python(
            """
            import os, queue, threading, time
            orders, answers = queue.Queue(), queue.Queue()
            lock, count = threading.Lock(), [0]
            def real():
                while (order := orders.get()) is not None:
                    try:
                        answers.put(order())
                    except Exception as error:
                        answers.put(error)
            thread = threading.Thread(target=real)
            thread.start()
            import weft
            weft.init()
            def ask(order):
                orders.put(order)
                return answers.get()
            def add(times):
                for i in range(times):
                    with lock:
                        before = count[0]
                        if i % 50 == 0: time.sleep(0)
                        count[0] = before + 1
            with weft.create_task_group() as group:
                task = group.start_soon(time.sleep)(0.02)
                assert ask(task.result) is None
                endless = group.start_soon(time.sleep)(1000)
                ask(endless.cancel)
                error = ask(weft.create_task_group().__enter__)
                assert error.name == "WEFT_ENOTFIBER", error
                error = ask(group.start_soon(time.sleep))
                assert error.name == "WEFT_ENOTFIBER" or isinstance(error, TypeError), error
                for _ in range(5):
                    group.start_soon(add)(1000)
                ask(lambda: add(1000))
            assert count[0] == 6000, count
            with weft.create_task_group() as group:
                group.start_soon(time.sleep)(1000)
                ask(group.cancel)
                orders.put(None)
            thread.join()
            print("done")
            """
        )
        self.assertEqual((result.stdout, result.returncode), ("done\n", 0), result.stderr)


if __name__ == "__main__":
    unittest.main()
