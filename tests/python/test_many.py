"""Large numbers: sleepers, memory, spawning and joining."""

from __future__ import annotations

import _thread
import gc
import threading
import time
import unittest

import weft
from support import HANG, Case, os_threads, python, rss, wait_until


class Many(Case):
    def test_10_000_sleepers(self) -> None:
        """They end within twice the second, and weft needs no OS thread for them."""
        threads = os_threads()
        most = 0

        def watch() -> None:
            nonlocal most
            most = max(most, os_threads())

        begin = time.monotonic()
        with weft.create_task_group() as group:
            for _ in range(10_000):
                group.start_soon(time.sleep)(1)
            group.start_soon(watch)()
        self.assertLess(time.monotonic() - begin, 2.0)
        self.assertEqual(most, threads)

    def test_10_000_threads(self) -> None:
        """The same by threading.Thread."""
        threads = [
            threading.Thread(target=time.sleep, args=(1,), daemon=True) for _ in range(10_000)
        ]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - begin, HANG)

    def test_rss_of_100_000_raw_fibers(self) -> None:
        result = python(
            """
            import _thread, threading, time, weft
            from support import rss
            weft.init()
            count = 100_000
            stop = _thread.allocate_lock()
            stop.acquire()
            started = ended = 0
            def work():
                global started, ended
                started += 1
                time.sleep(1000 if not stop.acquire(timeout=1000) else 0)
                stop.release()
                ended += 1
            before = rss()
            for _ in range(count):
                _thread.start_new_thread(work, ())
            while started < count:
                time.sleep(0.01)
            print((rss() - before) // count)
            stop.release()
            while ended < count:
                time.sleep(0.01)
            """,
            limit=3 * HANG,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(int(result.stdout), 16 * 1024)

    def test_rss_after_100_000_spawned_and_joined(self) -> None:
        def round_trip(count: int) -> None:
            for _ in range(count // 1000):
                with weft.create_task_group() as group:
                    for _ in range(1000):
                        group.start_soon(int)()

        round_trip(20_000)
        gc.collect()
        before = rss()
        round_trip(100_000)
        gc.collect()
        self.assertLess(rss() - before, 4 << 20)

    def test_memory_of_failures(self) -> None:
        def fail() -> None:
            raise ValueError

        def rounds(count: int) -> None:
            for _ in range(count):
                try:
                    with weft.create_task_group() as group:
                        group.start_soon(fail)()
                        group.start_soon(time.sleep)(1000)
                except ExceptionGroup:
                    pass

        rounds(500)
        gc.collect()
        before = rss()
        rounds(3000)
        gc.collect()
        self.assertLess(rss() - before, 4 << 20)

    def test_100_000_children_of_one_group(self) -> None:
        with weft.create_task_group(limit=1000) as group:
            tasks = [group.start_soon(abs)(-i) for i in range(100_000)]
        self.assertEqual(sum(t.result() for t in tasks), sum(range(100_000)))

    def test_10_000_cancelled(self) -> None:
        with weft.create_task_group() as group:
            tasks = [group.start_soon(time.sleep)(1000) for _ in range(10_000)]
            time.sleep(0.1)
            group.cancel()
        self.assertEqual({t.status for t in tasks}, {"cancelled"})

    def test_threads_are_left_to_be_collected(self) -> None:
        done: list[int] = []
        for i in range(1000):
            _thread.start_new_thread(done.append, (i,))
        wait_until(lambda: len(done) == 1000)


if __name__ == "__main__":
    unittest.main()
