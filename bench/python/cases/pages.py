"""Fetch many pages, 200 at a time, from a server that takes 20 ms for each (../../load/pages.c).

Measured: CPU time of this process, user and system, from before the first task (or the pool of
tasks or threads) is made until the last page is there. The client object, where there is one, is
made before, and one page fetched with it, so that nothing is imported meanwhile. Everyone has the
same limit of 200, a time limit for each page, and checks status and length.
"""

from __future__ import annotations

from collections.abc import Callable

from cases import peer
from cases.meter import Counter, Meter, check

AT_ONCE = 200
LIMIT = 30.0
LENGTH = 1024

Fetch = Callable[[], None]


def accept_page(status: int, content: bytes, fetched: Counter) -> None:
    if status != 200 or len(content) != LENGTH:
        raise RuntimeError(f"status {status}, {len(content)} bytes")
    fetched.add()


def cost(meter: Meter, fetched: Counter, count: int) -> dict[str, float]:
    check(fetched, count + 1)
    return {
        "cpu_ms": (meter.user + meter.system) * 1e3,
        "wall_ms": meter.wall * 1e3,
        "os_switches": meter.os_switches / count,
    }


# ---- what to fetch with, in blocking style


def with_requests(url: str, fetched: Counter) -> Fetch:
    """One call a page, as in the first example of its manual; each makes a connection."""
    import requests

    def fetch() -> None:
        answer = requests.get(url, timeout=LIMIT)
        accept_page(answer.status_code, answer.content, fetched)

    return fetch


def with_urllib3(url: str, fetched: Counter) -> Fetch:
    """One pool for all, which keeps connections alive."""
    import urllib3

    pool = urllib3.PoolManager(maxsize=AT_ONCE, timeout=LIMIT)

    def fetch() -> None:
        answer = pool.request("GET", url)
        accept_page(answer.status, answer.data, fetched)

    return fetch


LIBRARIES = {"requests": with_requests, "urllib3": with_urllib3}


# ---- how to do it 200 at a time


def in_weft(count: int, url: str, library: str) -> dict[str, float]:
    import weft

    fetched = Counter()
    fetch = LIBRARIES[library](url, fetched)
    fetch()
    with Meter() as meter:
        with weft.create_task_group(limit=AT_ONCE) as group:
            for _ in range(count):
                group.start_soon(fetch)()
    return cost(meter, fetched, count)


def in_gevent(count: int, url: str, library: str) -> dict[str, float]:
    from gevent.pool import Pool

    fetched = Counter()
    fetch = LIBRARIES[library](url, fetched)
    fetch()
    with Meter() as meter:
        pool = Pool(AT_ONCE)
        for _ in range(count):
            pool.spawn(fetch)
        pool.join(raise_error=True)
    return cost(meter, fetched, count)


def threads(count: int, url: str, library: str) -> dict[str, float]:
    """For threads; in weft and gevent, a program that was written for threads."""
    from concurrent.futures import ThreadPoolExecutor

    fetched = Counter()
    fetch = LIBRARIES[library](url, fetched)
    fetch()
    with Meter() as meter:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for future in [pool.submit(fetch) for _ in range(count)]:
                future.result()
    return cost(meter, fetched, count)


# ---- async libraries


def in_asyncio(count: int, url: str, _: str) -> dict[str, float]:
    import asyncio

    import aiohttp

    fetched = Counter()

    async def main() -> Meter:
        limits = aiohttp.TCPConnector(limit=AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=LIMIT)
        async with aiohttp.ClientSession(connector=limits, timeout=timeout) as session:

            async def fetch() -> None:
                async with session.get(url) as answer:
                    accept_page(answer.status, await answer.read(), fetched)

            await fetch()
            with Meter() as meter:
                async with asyncio.TaskGroup() as group:
                    for _ in range(count):
                        group.create_task(fetch())
            return meter

    return cost(peer.run(main()), fetched, count)


def in_trio(count: int, url: str, _: str) -> dict[str, float]:
    import httpx
    import trio

    fetched = Counter()

    async def main() -> Meter:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(limits=limits, timeout=LIMIT) as client:
            places = trio.CapacityLimiter(AT_ONCE)  # cheaper than to wait in the client's pool

            async def fetch() -> None:
                async with places:
                    answer = await client.get(url)
                    accept_page(answer.status_code, answer.content, fetched)

            await fetch()
            with Meter() as meter:
                async with trio.open_nursery() as nursery:
                    for _ in range(count):
                        nursery.start_soon(fetch)
            return meter

    return cost(trio.run(main), fetched, count)
