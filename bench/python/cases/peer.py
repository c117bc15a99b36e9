"""Which peer this process is. `start` runs before anything of the benchmark is imported."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_name = ""


def start(name: str) -> None:
    """Make this process the peer's, as its manual says."""
    global _name
    _name = name
    if name == "weft":
        import weft

        weft.init()
    elif name == "gevent":
        from gevent import monkey

        monkey.patch_all()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop of the peer: asyncio's own or uvloop's."""
    if _name == "uvloop":
        import uvloop

        return uvloop.run(main)
    return asyncio.run(main)
