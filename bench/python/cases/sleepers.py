"""Many tasks that sleep for an hour: what each weighs, and what it takes to cancel them all.

Weighed: resident memory of the process when all sleep, less that before the first was started,
divided by their number. Timed: from the cancellation of all until the last of them has run its
`finally` and is joined.
"""

from __future__ import annotations

import _thread
import threading
import time

from cases import peer
from cases.meter import Counter, Meter, check, memory

HOUR = 3600.0


class Weight:
    """What the process grows by."""

    def __init__(self) -> None:
        self._before = memory()

    def each(self, count: int) -> dict[str, float]:
        after = memory()
        return {name: (after[name] - self._before[name]) / count for name in after}


def in_weft(count: int) -> dict[str, float]:
    import weft

    asleep, ended = Counter(), Counter()

    def sleeper() -> None:
        asleep.add()
        try:
            time.sleep(HOUR)
        finally:
            ended.add()

    weight = Weight()
    with weft.create_task_group() as group:
        for _ in range(count):
            group.start_soon(sleeper)()
        while asleep.value < count:
            time.sleep(0.01)
        weighed = weight.each(count)
        meter = Meter().__enter__()
        group.cancel()
    meter.__exit__(None, None, None)
    check(ended, count)
    return weighed | meter.each(count)


def in_gevent(count: int) -> dict[str, float]:
    import gevent
    from gevent.pool import Group

    asleep, ended = Counter(), Counter()

    def sleeper() -> None:
        asleep.add()
        try:
            gevent.sleep(HOUR)
        finally:
            ended.add()

    weight = Weight()
    group = Group()
    for _ in range(count):
        group.spawn(sleeper)
    while asleep.value < count:
        gevent.sleep(0.01)
    weighed = weight.each(count)
    with Meter() as meter:
        group.kill()
    check(ended, count)
    return weighed | meter.each(count)


def in_asyncio(count: int) -> dict[str, float]:
    import asyncio

    asleep, ended = Counter(), Counter()

    async def sleeper() -> None:
        asleep.add()
        try:
            await asyncio.sleep(HOUR)
        finally:
            ended.add()

    async def main() -> dict[str, float]:
        weight = Weight()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sleeper()) for _ in range(count)]
            while asleep.value < count:
                await asyncio.sleep(0.01)
            weighed = weight.each(count)
            meter = Meter().__enter__()
            for task in tasks:
                task.cancel()
        meter.__exit__(None, None, None)
        return weighed | meter.each(count)

    result = peer.run(main())
    check(ended, count)
    return result


def in_trio(count: int) -> dict[str, float]:
    import trio

    asleep, ended = Counter(), Counter()

    async def sleeper() -> None:
        asleep.add()
        try:
            await trio.sleep(HOUR)
        finally:
            ended.add()

    async def main() -> dict[str, float]:
        weight = Weight()
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(sleeper)
            while asleep.value < count:
                await trio.sleep(0.01)
            weighed = weight.each(count)
            meter = Meter().__enter__()
            nursery.cancel_scope.cancel()
        meter.__exit__(None, None, None)
        return weighed | meter.each(count)

    result = trio.run(main)
    check(ended, count)
    return result


def threads(count: int) -> dict[str, float]:
    """Only weighed: a thread cannot be cancelled, it ends with the process."""
    asleep = Counter()

    def sleeper() -> None:
        asleep.add()
        time.sleep(HOUR)

    weight = Weight()
    for _ in range(count):
        threading.Thread(target=sleeper, daemon=True).start()
    while asleep.value < count:
        time.sleep(0.01)
    return weight.each(count)


def bare_threads(count: int) -> dict[str, float]:
    """What CPython's own part weighs: no Thread object, no group."""
    asleep = Counter()

    def sleeper() -> None:
        asleep.add()
        time.sleep(HOUR)

    weight = Weight()
    for _ in range(count):
        _thread.start_new_thread(sleeper, ())
    while asleep.value < count:
        time.sleep(0.01)
    return weight.each(count)
