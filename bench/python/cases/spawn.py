"""Start tasks that do next to nothing, and wait for all of them.

Timed: from before the group is opened until it is left, or from before the first Thread is made
until the last is joined. All are started by one function, without a pause; no peer may start a
second batch when a first has ended.
"""

from __future__ import annotations

import _thread
import threading

from cases import peer
from cases.meter import Counter, Meter, check


def in_weft(count: int) -> dict[str, float]:
    import weft

    ended = Counter()

    def task() -> None:
        ended.add()

    with Meter() as meter:
        with weft.create_task_group() as group:
            for _ in range(count):
                group.start_soon(task)()
    check(ended, count)
    return meter.each(count)


def in_gevent(count: int) -> dict[str, float]:
    from gevent.pool import Group

    ended = Counter()

    def task() -> None:
        ended.add()

    with Meter() as meter:
        group = Group()
        for _ in range(count):
            group.spawn(task)
        group.join()
    check(ended, count)
    return meter.each(count)


def in_asyncio(count: int) -> dict[str, float]:
    import asyncio

    ended = Counter()

    async def task() -> None:
        ended.add()

    async def main() -> Meter:
        with Meter() as meter:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(task())
        return meter

    meter = peer.run(main())
    check(ended, count)
    return meter.each(count)


def in_trio(count: int) -> dict[str, float]:
    import trio

    ended = Counter()

    async def task() -> None:
        ended.add()

    async def main() -> Meter:
        with Meter() as meter:
            async with trio.open_nursery() as nursery:
                for _ in range(count):
                    nursery.start_soon(task)
        return meter

    meter = trio.run(main)
    check(ended, count)
    return meter.each(count)


def threads(count: int) -> dict[str, float]:
    ended = Counter()

    def task() -> None:
        ended.add()

    with Meter() as meter:
        all_of_them = [threading.Thread(target=task) for _ in range(count)]
        for thread in all_of_them:
            thread.start()
        for thread in all_of_them:
            thread.join()
    check(ended, count)
    return meter.each(count)


def bare_threads(count: int) -> dict[str, float]:
    """What CPython's own part costs: no Thread object, no group; a lock tells that all ended."""
    ended = Counter()
    all_ended = _thread.allocate_lock()
    all_ended.acquire()

    def task() -> None:
        ended.add()
        if ended.value == count:
            all_ended.release()

    with Meter() as meter:
        for _ in range(count):
            _thread.start_new_thread(task, ())
        all_ended.acquire()
    check(ended, count)
    return meter.each(count)
