"""The program of `fetch.py` without weft: in plain threads, and one page after the other.

Both fetch the same pages by the same functions (`pages.py`), unmodified. They cannot be cut by a
deadline, so the page that hangs gets `requests`' own timeout.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from pages import Visit, get, get_async, visiting

PATIENCE = 3.0
FEW = 5

Seen = Callable[[Visit], None]
Job = Callable[[], None]


def fetch(url: str, ca: str, seen: Seen, timeout: float | None = None) -> None:
    """One page by `requests`."""
    with visiting(url, "requests", seen) as visit:
        visit.size = get(url, ca, timeout)


def fetch_async(url: str, ca: str, seen: Seen) -> None:
    """One page by the asynchronous client, in an event loop of its own."""
    with visiting(url, "httpx", seen) as visit:
        visit.size = asyncio.run(get_async(url, ca))


def jobs(base: str, count: int, ca: str, seen: Seen) -> list[Job]:
    """The pages of `fetch.crawl`, in its order, each as a function to call."""
    return [
        partial(fetch, f"{base}/hang", ca, seen, PATIENCE),
        partial(fetch, f"{base}/broken", ca, seen),
        *(partial(fetch_async, f"{base}/page/{n}", ca, seen) for n in range(FEW)),
        *(partial(fetch, f"{base}/page/{n}", ca, seen) for n in range(count)),
    ]


def threads(base: str, count: int, ca: str, seen: Seen) -> None:
    """A `threading.Thread` for each page."""
    started = [threading.Thread(target=job) for job in jobs(base, count, ca, seen)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def one_by_one(base: str, count: int, ca: str, seen: Seen) -> None:
    """The next page when the one before has come."""
    for job in jobs(base, count, ca, seen):
        job()
