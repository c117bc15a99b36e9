"""Fetch a thousand pages at once with plain blocking `requests`, one fiber for each page.

    ./dev python examples/fetch.py [URL COUNT CA_FILE]

Without arguments it fetches 200 pages from a web server of its own (demo/server.py).
"""

import weft

weft.init()

import sys
from collections.abc import Callable

from pages import Visit, get, get_async, visiting

PATIENCE = 3.0  # seconds to wait for a page that may hang
FEW = 5  # pages fetched by the asynchronous client


def fetch(url: str, ca: str, seen: Callable[[Visit], None]) -> None:
    """Blocking code. Where it waits for the network, the other fibers run."""
    with visiting(url, "requests", seen) as visit:
        visit.size = get(url, ca)


async def fetch_async(url: str, ca: str, seen: Callable[[Visit], None]) -> None:
    """A coroutine is a fiber like any other."""
    with visiting(url, "httpx", seen) as visit:
        visit.size = await get_async(url, ca)


def fetch_in_time(url: str, ca: str, seen: Callable[[Visit], None]) -> None:
    """The same blocking code, but not for ever: the deadline cuts it in the middle of `recv`."""
    with visiting(url, "requests", seen) as visit, weft.move_on_after(PATIENCE):
        visit.size = get(url, ca)


def crawl(base: str, count: int, ca: str, seen: Callable[[Visit], None]) -> None:
    """Fetch a few special pages and `count` others, all at once; return when all have ended."""
    with weft.create_task_group() as group:
        group.start_soon(fetch_in_time)(f"{base}/hang", ca, seen)
        group.start_soon(fetch)(f"{base}/broken", ca, seen)
        for n in range(FEW):
            group.start_soon(fetch_async)(f"{base}/page/{n}", ca, seen)
        for n in range(count):
            group.start_soon(fetch)(f"{base}/page/{n}", ca, seen)


def main(base: str, count: int, ca: str) -> None:
    """Fetch, and say how it went."""
    visits: list[Visit] = []
    crawl(base, count, ca, visits.append)
    for visit in visits:
        if visit.result != "ok":
            print(f"{visit.result}: {visit.url} {visit.error}")
    good = [visit for visit in visits if visit.result == "ok"]
    wall = max(visit.end for visit in visits) - min(visit.start for visit in visits)
    single = sum(visit.end - visit.start for visit in good)
    print(f"{len(good)} of {len(visits)} pages in {wall:.1f} s; single times: {single:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        from demo.server import Site

        with Site(0.5) as site:
            main(site.url, 200, site.ca)
