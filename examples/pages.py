"""Ordinary code that fetches one page: `requests` and `httpx` as their manuals show them.

Nothing in this file knows weft. `fetch.py` runs it in fibers; `demo/peers.py` runs the very same
functions in plain threads and one after the other, to compare.
"""

import ssl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import requests


@dataclass
class Visit:
    """What became of one page. Times are `time.monotonic()` seconds."""

    url: str
    how: str
    start: float
    end: float = 0.0
    size: int | None = None
    result: str = ""  # "ok", "failed", or "cut": left before it had an answer
    error: str = ""


def get(url: str, ca: str, timeout: float | None = None) -> int:
    """Fetch a page by `requests`; return its size."""
    answer = requests.get(url, verify=ca, timeout=timeout)
    answer.raise_for_status()
    return len(answer.content)


async def get_async(url: str, ca: str) -> int:
    """The same with an asynchronous client."""
    trust = ssl.create_default_context(cafile=ca)
    async with httpx.AsyncClient(verify=trust, timeout=None) as client:
        answer = await client.get(url)
        answer.raise_for_status()
        return len(answer.content)


@contextmanager
def visiting(url: str, how: str, seen: Callable[[Visit], None]) -> Generator[Visit, None, None]:
    """Time the body, which sets the visit's size; keep an error as text; hand it all to `seen`."""
    visit = Visit(url, how, start=time.monotonic())
    try:
        yield visit
        visit.result = "cut" if visit.size is None else "ok"
    except (requests.Timeout, httpx.TimeoutException) as error:
        visit.result, visit.error = "cut", type(error).__name__
    except (requests.RequestException, httpx.HTTPError) as error:
        visit.result, visit.error = "failed", str(error).splitlines()[0]
    finally:
        visit.end = time.monotonic()
    seen(visit)
