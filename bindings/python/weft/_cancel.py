"""Cancellation as Python sees it: the exception, and how it gets into a call that is blocked.

A fiber that waits in a libc call and is cancelled gets EINTR from it. CPython then does what it
does after every EINTR: it runs the handlers of signals that arrived, here ``deliver``, which raises
``Cancelled`` in the fiber, at its blocked call. Nothing is raised anywhere else.
"""

from __future__ import annotations

import _thread
import ctypes
import dis
import enum
import signal
import sys
import threading
from types import CodeType, FrameType
from typing import Any

from weft import _abi

CANCEL_SIGNAL = signal.SIGRTMAX - 3
"""The signal number that weft reserves. It is never sent; it only names the handler."""


class Reason(enum.IntEnum):
    """Why something was cancelled; the value of ``Cancelled.code``."""

    NONE = _abi.WEFT_REASON_NONE
    """It was not."""
    CANCEL = _abi.WEFT_REASON_CANCEL
    """Somebody called ``cancel``."""
    DEADLINE = _abi.WEFT_REASON_DEADLINE
    """A deadline passed."""
    FAILED = _abi.WEFT_REASON_FAILED
    """Another task of the group, or its body, failed."""
    FATAL = _abi.WEFT_REASON_FATAL
    """The program is to end: Ctrl-C or ``sys.exit``."""
    SHUTDOWN = _abi.WEFT_REASON_SHUTDOWN
    """weft stops."""


_REASONS = tuple(Reason)
_TEXTS = {
    Reason.NONE: "cancelled",
    Reason.CANCEL: "cancelled",
    Reason.DEADLINE: "cancelled: a deadline passed",
    Reason.FAILED: "cancelled: the task group failed",
    Reason.FATAL: "cancelled: the program is ending",
    Reason.SHUTDOWN: "cancelled: weft is stopping",
}


class Cancelled(BaseException):
    """Raised in a cancelled fiber by every call that would wait, until the scope is left.

    It is no ``Exception``, so that ``except Exception`` lets it pass. Clean up in ``finally`` and
    let it travel: the scope or task group that was cancelled ends it. ``reason`` is the text given
    to ``cancel``, or None; ``code`` is the :class:`Reason`.
    """

    reason: str | None
    code: Reason

    def __init__(self, reason: str | None = None, code: Reason = Reason.CANCEL) -> None:
        super().__init__(reason, code)
        self.reason = reason
        self.code = code

    def __str__(self) -> str:
        return f"cancelled: {self.reason}" if self.reason else _TEXTS[self.code]


def is_cancelled(error: BaseException) -> bool:
    """Is this weft's cancellation: Cancelled, or what it becomes inside an event loop?

    A coroutine sees asyncio's own CancelledError. One that comes from weft carries the Cancelled.
    """
    if isinstance(error, Cancelled):
        return True
    asyncio = sys.modules.get("asyncio")
    return (
        asyncio is not None
        and isinstance(error, asyncio.CancelledError)
        and bool(error.args)
        and isinstance(error.args[0], Cancelled)
    )


def as_group(error: BaseException | None) -> BaseExceptionGroup[BaseException] | None:
    """Return an exception group as such; None when it is no group."""
    return error if isinstance(error, BaseExceptionGroup) else None  # pyright: ignore


def absorb(error: BaseException | None) -> None:
    """Let a cancellation end here: a coroutine's task has to be told."""
    if error is None or isinstance(error, Cancelled) or not is_cancelled(error):
        return
    task = sys.modules["asyncio"].current_task()
    if task is not None:
        task.uncancel()


def info_text(info: _abi.weft_cancel_info) -> str | None:
    """Read the text of a reason; None when there is none."""
    return info.text.decode(errors="replace") or None


def info_reason(info: _abi.weft_cancel_info) -> Reason:
    """Read the code of a reason."""
    return _REASONS[info.reason]


def from_info(info: _abi.weft_cancel_info) -> Cancelled:
    """Make the exception that a weft_cancel_info describes."""
    return Cancelled(info_text(info), info_reason(info))


# The exception that is ending the program, from when a fiber raised it to when main did.
_fatal: BaseException | None = None


def set_fatal(error: BaseException | None) -> None:
    """Take note of what main is to raise when it learns that the program ends."""
    global _fatal
    _fatal = error


def on_main_thread() -> bool:
    """Is this the main fiber?"""
    return _thread.get_ident() == threading.main_thread().ident


def _to_raise(info: _abi.weft_cancel_info) -> BaseException:
    if _fatal is not None and info.reason == _abi.WEFT_REASON_FATAL and on_main_thread():
        _arrive()
        return _fatal
    return from_info(info)


def _arrive() -> None:
    """Tell weft that main knows. When main is in no task group, it can wait again from here on."""
    nursery = ctypes.c_uint64()
    if _abi.weft_nursery_open(None, nursery) == _abi.WEFT_OK:
        _abi.weft_nursery_close(nursery.value, _abi.WEFT_FATAL, _abi.weft_outcome())


def cancel_state() -> _abi.weft_cancel_info:
    """Read what holds for the calling fiber; all zero when it is no fiber."""
    info = _abi.weft_cancel_info()
    _abi.weft_cancel_state(info)
    return info


def cancelled_here() -> BaseException:
    """Return what to raise in the calling fiber, which a call of weft said is cancelled."""
    return _to_raise(cancel_state())


def encode_reason(reason: str | None) -> bytes | None:
    """Turn a reason into what the ABI takes."""
    return None if reason is None else reason.replace("\0", " ").encode(errors="replace")


# Where a wait must not be cut.
#
# Pure-Python code of the standard library that takes a lock in order to *finish* something would
# leave the lock or the object broken if that were cut short: mutual exclusion fails, or a waiter is
# never woken. All these waits are short. The fiber is told at its next wait instead.
#
# The value names an attribute when only the code from its first use on is meant (a `finally`).
_UNCUTTABLE: dict[tuple[str, str], str | None] = {
    # A condition takes its lock again, so that the `with` around it may release it.
    ("threading", "Condition._acquire_restore"): None,
    ("threading", "Condition.wait"): "_acquire_restore",
    ("threading", "_RLock._acquire_restore"): None,
    ("multiprocessing.synchronize", "Condition.wait"): "_woken_count",
    # What wakes others.
    ("threading", "Event.set"): None,
    ("threading", "Semaphore.release"): None,
    ("threading", "BoundedSemaphore.release"): None,
    ("queue", "Queue.task_done"): None,
    ("concurrent.futures._base", "Future.cancel"): None,
    ("concurrent.futures._base", "Future.set_running_or_notify_cancel"): None,
    ("concurrent.futures._base", "Future.set_result"): None,
    ("concurrent.futures._base", "Future.set_exception"): None,
    # The beginning and the end of a thread: a cut would hang who waits for it.
    ("threading", "Thread._bootstrap"): None,
    ("threading", "Thread._bootstrap_inner"): None,
    ("threading", "Thread._delete"): None,
    ("threading", "Thread._stop"): None,
    ("threading", "_DeleteDummyThreadOnDel.__del__"): None,
    # Import locks.
    ("importlib._bootstrap", "_ModuleLock.acquire"): None,
    ("importlib._bootstrap", "_ModuleLock.release"): None,
    ("importlib._bootstrap", "_get_module_lock.<locals>.cb"): None,
    # A child process that exists, while its Popen does not yet know the pid.
    ("subprocess", "Popen._execute_child"): None,
}
_UNCUTTABLE_NAMES = frozenset(qualname for _, qualname in _UNCUTTABLE)
_first_uses: dict[int, int] = {}


def _first_use(code: CodeType, attribute: str) -> int:
    """Offset in the bytecode of `code` where `attribute` is first named."""
    known = _first_uses.get(id(code))
    if known is None:
        known = min(i.offset for i in dis.get_instructions(code) if i.argval == attribute)
        _first_uses[id(code)] = known
    return known


def _is_uncuttable(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_qualname not in _UNCUTTABLE_NAMES:
        return False
    # importlib's modules are frozen and call themselves so.
    module = frame.f_globals.get("__name__", "")
    key = (module.replace("_frozen_importlib", "importlib._bootstrap"), code.co_qualname)
    if key not in _UNCUTTABLE:
        return False
    attribute = _UNCUTTABLE[key]
    return attribute is None or frame.f_lasti >= _first_use(code, attribute)


def _is_thread_start(frame: FrameType) -> bool:
    """Is this Thread.start waiting for its thread's first sign of life?

    A cut would leave a running thread behind that the caller believes was never started.
    """
    for name in ("Condition.wait", "Event.wait", "Thread.start"):
        if frame.f_code.co_qualname != name or frame.f_globals.get("__name__") != "threading":
            return False
        if frame.f_back is None:
            break
        frame = frame.f_back
    return True


# By id: a module's globals live as long as the program.
_own_globals: set[int] = {id(globals())}
_own_waits: set[CodeType] = set()


def keep_whole(module_globals: dict[str, Any], *waits: Any) -> None:
    """Let no wait in the functions of a module of weft be cut, but for the functions `waits`."""
    _own_globals.add(id(module_globals))
    _own_waits.update(function.__code__ for function in waits)


def _is_own(frame: FrameType) -> bool:
    return id(frame.f_globals) in _own_globals and frame.f_code not in _own_waits


class _Unlocked:
    """Stands in for a lock that nobody holds."""

    def locked(self) -> bool:
        return False


def _is_condition_wait(frame: FrameType) -> bool:
    return frame.f_code.co_qualname == "Condition.wait" and (
        frame.f_globals.get("__name__") == "threading"
    )


def _was_notified(frame: FrameType) -> bool:
    """Has Condition.wait, blocked in this frame, been notified already?"""
    waiter = frame.f_locals.get("waiter")
    return waiter is not None and not waiter.locked()


def _repair(frame: FrameType) -> None:
    """Change what the exception that will be raised in this frame would otherwise break."""
    if _is_condition_wait(frame):
        # Out of the queue at once: a notify that came before Condition.wait itself gets to do this
        # (it first waits for the lock) would be spent on a waiter that is gone.
        try:
            frame.f_locals["self"]._waiters.remove(frame.f_locals["waiter"])
        except (KeyError, ValueError):
            pass
    elif frame.f_code.co_qualname == "Thread._wait_for_tstate_lock":
        # Up to 3.12 Thread.join takes any exception while the thread runs to mean that it has ended
        # (bpo-45274): it finds the lock locked and takes that to be its own doing.
        if "lock" in frame.f_locals:
            frame.f_locals["lock"] = _Unlocked()
            if sys.version_info < (3, 13):
                ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), 0)


def deliver(signum: int, frame: FrameType | None) -> None:
    """Handle the reserved signal: raise Cancelled in the fiber whose blocked call was cut.

    It runs in that fiber, while weft lets CPython believe that it is the main thread. So it must
    not take locks or ask which thread it is before weft has heard of it. Returning without having
    asked weft means "not here": the blocked call goes on and is cut again later.
    """
    if frame is not None:
        if _is_uncuttable(frame) or _is_thread_start(frame) or _is_own(frame):
            return
        if _is_condition_wait(frame) and _was_notified(frame):
            return
    info = _abi.weft_cancel_info()
    if not _abi.weft_host_interrupt_ack(info):
        return
    if frame is not None:
        _repair(frame)
    raise _to_raise(info)
