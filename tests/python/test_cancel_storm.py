"""Cancels at random moments against fibers that share locks: nothing breaks."""

from __future__ import annotations

import queue
import random
import threading
import time
import unittest
from typing import Protocol

import weft
from support import HANG, Case

SECONDS = 2.0


class Lock(Protocol):
    """What the locks of threading have in common."""

    def acquire(self, blocking: bool = ...) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *error: object) -> object: ...


class Locks(Case):
    """Workers that enter critical sections until the time is over; each cancel ends a worker, and
    another takes its place."""

    def check(self, lock: Lock) -> None:
        inside = sections = cancelled = 0
        broken: list[str] = []
        randoms = random.Random(1)

        def work() -> None:
            nonlocal inside, sections
            while time.monotonic() < end:
                with lock:
                    inside += 1
                    try:
                        if inside != 1:
                            broken.append(f"{inside} inside")
                        if randoms.random() < 0.3:
                            time.sleep(0.0005)
                    finally:
                        inside -= 1
                    sections += 1

        end = time.monotonic() + SECONDS
        with weft.create_task_group() as group:
            tasks = [group.start_soon(work)() for _ in range(50)]
            while time.monotonic() < end:
                for _ in range(5):
                    i = randoms.randrange(len(tasks))
                    tasks[i].cancel()
                    if tasks[i].done():
                        cancelled += tasks[i].status == "cancelled"
                        tasks[i] = group.start_soon(work)()
                time.sleep(0.001)
        self.assertEqual(broken, [])
        self.assertEqual(inside, 0)
        self.assertGreater(sections, 0)
        self.assertGreater(cancelled, 0)
        self.assertTrue(lock.acquire(blocking=False))
        lock.release()

    def test_lock(self) -> None:
        self.check(threading.Lock())

    def test_rlock(self) -> None:
        self.check(threading.RLock())

    def test_condition(self) -> None:
        self.check(threading.Condition())


class Scopes(Case):
    def test_deadlines_around_a_lock(self) -> None:
        """Cut by their own deadlines instead: the worker goes on in the same fiber."""
        lock = threading.Lock()
        inside = cut = 0
        broken: list[int] = []

        def work(seed: int) -> None:
            nonlocal inside, cut
            randoms = random.Random(seed)
            while time.monotonic() < end:
                with weft.move_on_after(randoms.random() * 0.005) as scope:
                    with lock:
                        inside += 1
                        if inside != 1:
                            broken.append(inside)
                        try:
                            time.sleep(randoms.random() * 0.001)
                        finally:
                            inside -= 1
                cut += scope.cancelled_caught

        end = time.monotonic() + SECONDS
        with weft.create_task_group() as group:
            for seed in range(50):
                group.start_soon(work)(seed)
        self.assertEqual((broken, inside), ([], 0))
        self.assertGreater(cut, 0)
        self.assertFalse(lock.locked())


class Queues(Case):
    def test_no_item_is_lost(self) -> None:
        """Producers put numbers, getters are cut by deadlines: each number is got once."""
        q: queue.Queue[int] = queue.Queue(10)
        got: list[int] = []
        count = 3000

        def produce(first: int) -> None:
            for i in range(first, count, 3):
                q.put(i)

        def consume(seed: int) -> None:
            randoms = random.Random(seed)
            while len(got) < count:
                with weft.move_on_after(randoms.random() * 0.003):
                    # Between the get and the append nothing waits.
                    got.append(q.get())

        with weft.fail_after(HANG), weft.create_task_group() as group:
            for seed in range(20):
                group.start_soon(consume)(seed)
            for first in range(3):
                group.start_soon(produce)(first)
        # A get that is cut after it took its item from the queue loses it: queue.Queue itself waits
        # for no lock then, so it must not happen.
        self.assertEqual(sorted(got), list(range(count)))

    def test_tree_of_groups(self) -> None:
        """Whole subtrees are cancelled at random while they grow."""
        live = 0

        def grow(depth: int, seed: int) -> None:
            nonlocal live
            live += 1
            try:
                randoms = random.Random(seed)
                with weft.move_on_after(randoms.random() * 0.02):
                    with weft.create_task_group() as group:
                        for i in range(3 if depth else 0):
                            group.start_soon(grow)(depth - 1, 10 * seed + i)
                        time.sleep(randoms.random() * 0.02)
                        if randoms.random() < 0.3:
                            group.cancel()
            finally:
                live -= 1

        for seed in range(20):
            grow(4, seed)
        self.assertEqual(live, 0)


if __name__ == "__main__":
    unittest.main()
