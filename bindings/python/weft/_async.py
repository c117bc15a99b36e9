"""Coroutines in fibers: an event loop for each, and waiting for a task in any of them."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from weft._cancel import Cancelled, cancel_state, is_cancelled, keep_whole
from weft._scope import shield

if TYPE_CHECKING:
    from weft._task import Task

T = TypeVar("T")

GRACE = 1.0
"""Seconds that a cancelled coroutine has for its cleanup before it is cancelled again."""


class _Selector(selectors.DefaultSelector):
    """The one place where an event loop waits, and so where the fiber's cancellation arrives.

    asyncio cancels once and then lets the coroutine await in its cleanup, while weft's waits stay
    cut. So the first cut is turned into a cancel of the coroutine, and the waits after it are
    shielded for a time of grace; a coroutine that swallowed the cancel gets the next one then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.main: asyncio.Task[Any] | None = None
        self.cancelled: Cancelled | None = None
        self._again_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.cancelled is not None:
            if cancel_state().cancelled:
                return self._select_shielded(self.cancelled, timeout)
            self.cancelled = None  # the scope that was cancelled is left
        try:
            return super().select(timeout)
        except Cancelled as cancelled:
            self._cancel_main(cancelled)
            return []

    def _select_shielded(
        self, cancelled: Cancelled, timeout: float | None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        left = max(self._again_at - time.monotonic(), 0.0)
        with shield():
            ready = super().select(left if timeout is None else min(timeout, left))
        if not ready and time.monotonic() >= self._again_at and (timeout is None or timeout > 0):
            self._cancel_main(cancelled)
        return ready

    def _cancel_main(self, cancelled: Cancelled) -> None:
        if self.main is None or self.main.done():
            raise cancelled  # the loop is being closed and had its time
        self.cancelled = cancelled
        self._again_at = time.monotonic() + GRACE
        self.main.cancel(cancelled)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of its own, in the calling fiber."""
    selector = _Selector()

    async def main() -> T:
        selector.main = asyncio.current_task()
        return await coroutine

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        try:
            return runner.run(main())
        except asyncio.CancelledError as error:
            if not is_cancelled(error):
                raise
            raise error.args[0] from None


async def wait_in_loop(task: Task[Any]) -> None:
    """Wait in the running event loop until the task has ended."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def set_done() -> None:
        if not future.done():
            future.set_result(None)

    def wake() -> None:
        loop.call_soon_threadsafe(set_done)

    task._waiters.append(wake)
    try:
        if not task.done():
            await future
    finally:
        task._forget(wake)


keep_whole(globals())
