"""Two tasks take turns.

Each gives way as its library means it to be done. Before the clock starts, a short run proves that
they do alternate. Real threads cannot be told to give way to each other, so with them two locks
hand the turn over, as `locks` does. Timed: both tasks together giving way `count` times, their
start included; the result is for one switch.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from cases import peer
from cases.meter import Meter

PROOF = 100


def prove(turns: list[int]) -> None:
    """The turns alternate, but for the beginning and the end, when one task is alone."""
    inner = turns[4:-4]
    repeated = sum(a == b for a, b in zip(inner, inner[1:]))
    if repeated or len(turns) != 2 * PROOF:
        raise RuntimeError(f"in {repeated} of {len(turns)} turns the other task did not run")


def run_two(task: Callable[[int], None]) -> None:
    """Run task(0) and task(1) as threads."""
    threads = [threading.Thread(target=task, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sleep(count: int) -> dict[str, float]:
    return _giving_way(lambda: time.sleep(0), count)


def sched_yield(count: int) -> dict[str, float]:
    return _giving_way(os.sched_yield, count)


def _giving_way(give_way: Callable[[], object], count: int) -> dict[str, float]:
    turns: list[int] = []

    def proof(me: int) -> None:
        for _ in range(PROOF):
            turns.append(me)
            give_way()

    def task(me: int) -> None:
        for _ in range(count // 2):
            give_way()

    run_two(proof)
    prove(turns)
    with Meter() as meter:
        run_two(task)
    return meter.each(count)


def locks(count: int) -> dict[str, float]:
    turns: list[int] = []
    turn = [threading.Lock(), threading.Lock()]
    turn[1].acquire()

    def proof(me: int) -> None:
        for _ in range(PROOF):
            turn[me].acquire()
            turns.append(me)
            turn[1 - me].release()

    def task(me: int) -> None:
        mine, other = turn[me], turn[1 - me]
        for _ in range(count // 2):
            mine.acquire()
            other.release()

    run_two(proof)
    prove(turns)
    with Meter() as meter:
        run_two(task)
    return meter.each(count)


def greenlets(count: int) -> dict[str, float]:
    """The switch below gevent, without its loop: what the machine and the interpreter allow."""
    from greenlet import greenlet

    half = count // 2

    def task(other: Callable[[], greenlet]) -> None:
        switch = other().switch
        for _ in range(half):
            switch()

    first = greenlet(lambda: task(lambda: second))
    second = greenlet(lambda: task(lambda: first))
    with Meter() as meter:
        first.switch()
    return meter.each(count)


def in_asyncio(count: int) -> dict[str, float]:
    import asyncio

    turns: list[int] = []

    async def proof(me: int) -> None:
        for _ in range(PROOF):
            turns.append(me)
            await asyncio.sleep(0)

    async def task() -> None:
        for _ in range(count // 2):
            await asyncio.sleep(0)

    async def main() -> Meter:
        await asyncio.gather(proof(0), proof(1))
        prove(turns)
        with Meter() as meter:
            await asyncio.gather(task(), task())
        return meter

    return peer.run(main()).each(count)


def in_trio(count: int) -> dict[str, float]:
    import trio

    turns: list[int] = []

    async def proof(me: int) -> None:
        for _ in range(PROOF):
            turns.append(me)
            await trio.sleep(0)

    async def task() -> None:
        for _ in range(count // 2):
            await trio.sleep(0)

    async def main() -> Meter:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(proof, 0)
            nursery.start_soon(proof, 1)
        # trio runs a batch in random order: within two turns each task has one.
        prove([me for pair in zip(turns[::2], turns[1::2]) for me in sorted(pair)])
        with Meter() as meter:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(task)
                nursery.start_soon(task)
        return meter

    return trio.run(main).each(count)
