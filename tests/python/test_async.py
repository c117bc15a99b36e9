"""async def in fibers, and tasks that coroutines wait for."""

from __future__ import annotations

import asyncio
import threading
import time
import unittest

import weft
from support import HANG, Case


class Coroutines(Case):
    def test_result(self) -> None:
        async def work(x: int, *, by: int) -> int:
            await asyncio.sleep(0.001)
            return x * by

        with weft.create_task_group() as group:
            tasks = [group.start_soon(work)(i, by=2) for i in range(20)]
        self.assertEqual([t.result() for t in tasks], list(range(0, 40, 2)))

    def test_they_overlap_with_plain_functions(self) -> None:
        barrier = threading.Barrier(20)

        async def coroutine() -> None:
            await asyncio.to_thread(barrier.wait)

        with weft.create_task_group() as group:
            for _ in range(10):
                group.start_soon(coroutine)()
                group.start_soon(barrier.wait)()
        self.assertFalse(barrier.broken)

    def test_a_blocking_call_stops_only_its_own_loop(self) -> None:
        async def blocks() -> None:
            time.sleep(0.05)

        async def ticks() -> int:
            for i in range(10):
                await asyncio.sleep(0.001)
            return i

        with weft.create_task_group() as group:
            slow = group.start_soon(blocks)()
            quick = group.start_soon(ticks)()
            quick.result()
            self.assertFalse(slow.done())

    def test_error(self) -> None:
        async def fail() -> None:
            await asyncio.sleep(0)
            raise ValueError

        with self.fails_with(ValueError) as caught, weft.create_task_group() as group:
            group.start_soon(fail)()
        assert isinstance(caught[0], ExceptionGroup)
        self.assertIn("spawned at", caught[0].exceptions[0].__notes__[0])

    def test_streams(self) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        async def serve(started: weft.Started[int]) -> None:
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            async with server:
                started(server.sockets[0].getsockname()[1])
                await server.serve_forever()

        async def ask(port: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return answer

        with weft.create_task_group() as group:
            service = group.start(serve)()
            tasks = [group.start_soon(ask)(service.started) for _ in range(20)]
            for task in tasks:
                self.assertEqual(task.result(), b"HELLO\n")
            service.cancel()
        self.assertEqual(service.status, "cancelled")

    def test_subprocess(self) -> None:
        async def run(i: int) -> tuple[bytes, int | None]:
            command = f"echo {i}; exit {i}"
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec("sh", "-c", command, stdout=pipe)
            out, _ = await process.communicate()
            return out, process.returncode

        with weft.create_task_group() as group:
            tasks = [group.start_soon(run)(i) for i in range(10)]
        self.assertEqual([t.result() for t in tasks], [(b"%d\n" % i, i) for i in range(10)])

    def test_a_function_that_returns_a_coroutine(self) -> None:
        async def work() -> int:
            return 1

        with weft.create_task_group() as group:
            task = group.start_soon(lambda: work())()
        self.assertEqual(task.result(), 1)


class Cancelling(Case):
    def test_cleanup_may_await(self) -> None:
        steps: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                steps.append("cancelled")
                raise
            finally:
                await asyncio.sleep(0.01)
                steps.append("cleaned")

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
            time.sleep(0.02)
            group.cancel("why")
        self.assertEqual(steps, ["cancelled", "cleaned"])
        error = task.exception()
        assert isinstance(error, weft.Cancelled)
        self.assertEqual(error.reason, "why")

    def test_inner_tasks_unwind(self) -> None:
        unwound: list[int] = []

        async def inner(i: int) -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                unwound.append(i)

        async def work() -> None:
            async with asyncio.TaskGroup() as inners:
                for i in range(5):
                    inners.create_task(inner(i))

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
            time.sleep(0.02)
            group.cancel()
        self.assertEqual(sorted(unwound), list(range(5)))
        self.assertEqual(task.status, "cancelled")

    def test_one_that_swallows_is_told_again(self) -> None:
        told = 0

        async def stubborn() -> None:
            nonlocal told
            while told < 3:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    told += 1

        with weft.create_task_group() as group:
            group.start_soon(stubborn)()
            time.sleep(0.02)
            group.cancel()
        self.assertEqual(told, 3)

    def test_a_deadline_around_an_await(self) -> None:
        async def work() -> tuple[bool, bool]:
            with weft.move_on_after(0.01) as first:
                await asyncio.sleep(1000)
            await asyncio.sleep(0.001)
            with weft.move_on_after(0.01) as second:
                await asyncio.sleep(1000)
            try:
                with weft.fail_after(0.01):
                    await asyncio.sleep(1000)
            except TimeoutError:
                await asyncio.sleep(0.001)
                return first.cancelled_caught, second.cancelled_caught
            return False, False

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
        self.assertEqual(task.result(), (True, True))

    def test_asyncios_own_timeout(self) -> None:
        async def work() -> bool:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(1000)
            except TimeoutError:
                return True
            return False

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
        self.assertTrue(task.result())

    def test_asyncio_run_in_a_task(self) -> None:
        async def main() -> None:
            await asyncio.sleep(1000)

        with weft.move_on_after(0.02) as scope:
            asyncio.run(main())
        self.assertTrue(scope.cancelled_caught)

    def test_a_blocking_call_in_a_coroutine_is_cut(self) -> None:
        async def work() -> None:
            time.sleep(1000)

        with weft.create_task_group() as group:
            task = group.start_soon(work)()
            time.sleep(0.02)
            group.cancel()
        self.assertEqual(task.status, "cancelled")


class Awaiting(Case):
    def test_in_asyncio_run(self) -> None:
        def work(x: int) -> int:
            time.sleep(0.005)
            return x

        async def main() -> list[int]:
            with weft.create_task_group() as group:
                tasks = [group.start_soon(work)(i) for i in range(10)]
                return [await t for t in tasks]

        self.assertEqual(asyncio.run(main()), list(range(10)))

    def test_in_another_fiber(self) -> None:
        go = threading.Event()

        async def wait(task: weft.Task[bool]) -> bool:
            return await task

        with weft.create_task_group() as group:
            task = group.start_soon(go.wait)()
            readers = [group.start_soon(wait)(task) for _ in range(10)]
            time.sleep(0.01)
            go.set()
        self.assertEqual([r.result() for r in readers], [True] * 10)

    def test_done_already(self) -> None:
        async def wait(task: weft.Task[int]) -> int:
            return await task

        with weft.create_task_group() as group:
            task = group.start_soon(abs)(-3)
        self.assertEqual(asyncio.run(wait(task)), 3)

    def test_error(self) -> None:
        def fail() -> None:
            time.sleep(0.005)
            raise ValueError

        async def wait(task: weft.Task[None]) -> None:
            await task

        with self.fails_with(ValueError), weft.create_task_group() as group:
            task = group.start_soon(fail)()
            with weft.shield(), self.assertRaises(ValueError):
                asyncio.run(wait(task))

    def test_a_cancelled_waiter_leaves_the_task_alone(self) -> None:
        async def wait(task: weft.Task[None]) -> bool:
            try:
                async with asyncio.timeout(0.01):
                    await task
            except TimeoutError:
                return True
            return False

        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(0.1)
            self.assertTrue(asyncio.run(wait(task)))
        self.assertEqual(task.status, "done")

    def test_the_loop_goes_on_meanwhile(self) -> None:
        async def main(task: weft.Task[None]) -> int:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.001)
                    ticks += 1

            ticker = asyncio.create_task(tick())
            await task
            ticker.cancel()
            return ticks

        with weft.fail_after(HANG), weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(0.05)
            self.assertGreater(asyncio.run(main(task)), 3)


if __name__ == "__main__":
    unittest.main()
