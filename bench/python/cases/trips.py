"""A message to another task and its answer back, through two queues.

Timed: `count` round trips; the other task is there already and waits. The result is for one trip,
which is two messages and two switches.
"""

from __future__ import annotations

import queue
import threading

from cases import peer
from cases.meter import Meter

Some = queue.SimpleQueue[int] | queue.Queue[int]


def simple_queue(count: int) -> dict[str, float]:
    return _through(queue.SimpleQueue(), queue.SimpleQueue(), count)


def full_queue(count: int) -> dict[str, float]:
    return _through(queue.Queue(), queue.Queue(), count)


def _through(there: Some, back: Some, count: int) -> dict[str, float]:
    def answer() -> None:
        for _ in range(count + 1):
            back.put(there.get())

    thread = threading.Thread(target=answer)
    thread.start()
    there.put(0)
    back.get()
    with Meter() as meter:
        for n in range(count):
            there.put(n)
            back.get()
    thread.join()
    return meter.each(count)


def in_asyncio(count: int) -> dict[str, float]:
    import asyncio

    async def main() -> Meter:
        there: asyncio.Queue[int] = asyncio.Queue()
        back: asyncio.Queue[int] = asyncio.Queue()

        async def answer() -> None:
            for _ in range(count + 1):
                await back.put(await there.get())

        async with asyncio.TaskGroup() as group:
            group.create_task(answer())
            await there.put(0)
            await back.get()
            with Meter() as meter:
                for n in range(count):
                    await there.put(n)
                    await back.get()
        return meter

    return peer.run(main()).each(count)


def in_trio(count: int) -> dict[str, float]:
    import math

    import trio

    async def main() -> Meter:
        send_there, receive_there = trio.open_memory_channel[int](math.inf)
        send_back, receive_back = trio.open_memory_channel[int](math.inf)

        async def answer() -> None:
            for _ in range(count + 1):
                await send_back.send(await receive_there.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            await send_there.send(0)
            await receive_back.receive()
            with Meter() as meter:
                for n in range(count):
                    await send_there.send(n)
                    await receive_back.receive()
        return meter

    return trio.run(main).each(count)
