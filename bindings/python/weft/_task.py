"""Tasks: the handle of a fiber that runs a Python call, and what runs it."""

from __future__ import annotations

import _thread
import math
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from ctypes import byref, c_int32
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from weft import _abi
from weft._cancel import Cancelled, Reason, cancel_state, encode_reason, from_info, keep_whole
from weft._runtime import WeftError, fail, fork_count

if TYPE_CHECKING:
    from weft._group import TaskGroup

T_co = TypeVar("T_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)
S = TypeVar("S")

Status = Literal["pending", "running", "cancelling", "done", "failed", "cancelled"]
"""Where a task is in its life; the last three are final."""

# States of Task._state. From _VALUE on the task has ended.
_PENDING, _RUNNING, _VALUE, _FAILED, _CANCELLED = range(5)
_NAMES: tuple[Status, ...] = ("pending", "running", "done", "failed", "cancelled")

_get_ident = _thread.get_ident
_allocate_lock = _thread.allocate_lock
_release = _abi.weft_fiber_release


class TaskCancelled(Exception):
    """The task whose result was asked for was cancelled. ``reason`` and ``code`` say why.

    It is not :class:`Cancelled`, which would say that the asking fiber is cancelled itself.
    """

    reason: str | None
    code: Reason

    def __init__(self, name: str, cancelled: Cancelled) -> None:
        super().__init__(f"task {name!r} was {cancelled}")
        self.reason = cancelled.reason
        self.code = cancelled.code


class Site:
    """A place in the program that spawns: its text, and the options for weft made out of it."""

    __slots__ = ("code", "name", "options", "where")

    def __init__(self, frame: FrameType, name: str) -> None:
        code = frame.f_code
        self.code: CodeType = code  # keeps id(code), the key of the cache, from being used again
        self.name = name
        self.where = f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
        # byref once, not at each call.
        self.options: Any = byref(
            _abi.weft_spawn_opts(
                flags=_abi.WEFT_SPAWN_THREAD,
                name=name.replace("\0", " ").encode(errors="replace"),
                site=self.where.encode(errors="replace"),
            )
        )


# What a spawn says about itself is the same for each spawn at that place.
_sites: dict[tuple[int, int, str], Site] = {}
_SITES_MAX = 4096


def site_of(frame: FrameType, name: str) -> Site:
    """Describe the spawn of a task called `name` that `frame` is making."""
    key = (id(frame.f_code), frame.f_lasti, name)
    site = _sites.get(key)
    if site is None:
        if len(_sites) >= _SITES_MAX:
            _sites.clear()
        site = _sites[key] = Site(frame, name)
    return site


class Task(Generic[T_co]):
    """A call that runs in a fiber of a task group.

    It is made by :meth:`TaskGroup.start_soon`. The group owns the fiber; dropping the Task changes
    nothing. Any fiber or thread may ask it for its result, also after the group has closed.
    """

    __slots__ = (
        "_error",
        "_forks",
        "_group",
        "_handle",
        "_ident",
        "_site",
        "_spawned",
        "_state",
        "_traceback",
        "_value",
        "_waiters",
        "__weakref__",
    )

    _value: Any
    _error: BaseException
    _traceback: TracebackType | None
    _spawned: int

    def __init__(self, group: TaskGroup, site: Site) -> None:
        self._group = group
        self._site = site
        self._state = _PENDING
        self._handle = 0
        self._ident = 0
        self._forks = group._forks
        # Called once when the task has ended. A waiter appends to it and then looks at the state
        # again; the task sets the state and then calls what is in it.
        self._waiters: list[Callable[[], object]] = []

    @property
    def name(self) -> str:
        """The name given at spawn, or that of the function."""
        return self._site.name

    @property
    def status(self) -> Status:
        """``pending``, ``running``, ``cancelling``, ``done``, ``failed`` or ``cancelled``."""
        if self._state < _VALUE and self._handle:
            state = c_int32()
            code = _abi.weft_fiber_state_get(self._handle, state)
            if code == _abi.WEFT_OK and state.value == _abi.WEFT_FIBER_CANCELLING:
                return "cancelling"
        return _NAMES[self._state]

    def done(self) -> bool:
        """Has the task ended, in whatever way? Does not wait."""
        return self._state >= _VALUE

    def result(self, timeout: float | None = None) -> T_co:
        """Wait until the task has ended; return what it returned or raise what it raised.

        Raises TimeoutError when `timeout` seconds pass first, TaskCancelled when the task was
        cancelled, and Cancelled when the waiting fiber is.
        """
        if self._state < _VALUE:
            self._wait(timeout)
        if self._state == _VALUE:
            value: T_co = self._value
            return value
        if self._state == _FAILED:
            raise self._error.with_traceback(self._traceback)
        assert isinstance(self._error, Cancelled)
        raise TaskCancelled(self.name, self._error) from self._error

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait until the task has ended; return what it raised, None if it returned.

        For a task that was cancelled it is the Cancelled. `timeout` is as for :meth:`result`.
        """
        if self._state < _VALUE:
            self._wait(timeout)
        return None if self._state == _VALUE else self._error

    def cancel(self, reason: str | None = None) -> None:
        """Cancel this task alone: its waits raise Cancelled from now on. Does not wait for its end.

        The group and its other tasks go on. It does nothing to a task that has ended.
        """
        handle = self._handle
        if not handle or self._state >= _VALUE:
            return
        self._group._cancels = True
        code = _abi.weft_fiber_cancel(handle, encode_reason(reason))
        # A bad handle: it has ended since.
        if code not in (_abi.WEFT_OK, _abi.WEFT_EBADHANDLE):
            fail(code, f"cancel task {self.name!r}")

    def __await__(self) -> Generator[Any, None, T_co]:
        """Wait in a coroutine, of any asyncio loop in any fiber. The coroutine's own cancellation
        does not cancel the task."""
        if self._state < _VALUE:
            self._check_waitable()
            from weft._async import wait_in_loop

            yield from wait_in_loop(self).__await__()
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} {self.name!r} {self.status}>"

    def _check_waitable(self) -> None:
        if self._ident == _get_ident():
            raise RuntimeError(f"task {self.name!r} cannot wait for its own end")
        if self._forks != fork_count():
            raise WeftError(_abi.WEFT_EFORKED, f"wait for task {self.name!r}")

    def _wait(self, timeout: float | None) -> None:
        self._check_waitable()
        lock = _allocate_lock()
        lock.acquire()
        self._waiters.append(lock.release)
        try:
            if self._state < _VALUE and not _acquire(lock, timeout):
                raise TimeoutError(f"task {self.name!r} did not end within {timeout} s")
        finally:
            self._forget(lock.release)

    def _forget(self, waiter: Callable[[], object]) -> None:
        try:
            self._waiters.remove(waiter)
        except ValueError:
            pass

    def _fail(self, error: BaseException) -> None:
        """Take note of what the call raised; the rest is the group's business."""
        traceback = error.__traceback__
        # The first entries are run_task and _call, which tell the reader nothing.
        for _ in range(2):
            if traceback is not None and traceback.tb_next is not None:
                traceback = traceback.tb_next
        error.__traceback__ = traceback
        kind, error = self._judge(error)
        if kind == _abi.WEFT_CANCELLED:
            # Nobody asks where it was; but the frames would keep all that the task had.
            traceback = error.__traceback__ = error.__context__ = None
        self._error = error
        self._traceback = traceback
        self._state = _CANCELLED if kind == _abi.WEFT_CANCELLED else _FAILED
        if kind != _abi.WEFT_VALUE:
            _abi.weft_outcome_set(kind, 0)

    def _judge(self, error: BaseException) -> tuple[int, BaseException]:
        """Return the outcome that weft is to know of, and the error that stands for it."""
        return self._group._child_failed(self, error)

    def _end(self) -> None:
        """The last thing that the fiber does for the task."""
        handle, self._handle = self._handle, 0
        if handle:
            _release(handle)
        if self._waiters:
            for wake in self._waiters.copy():
                try:
                    wake()
                except RuntimeError:
                    pass  # the event loop that waited is closed


class Service(Task[T_co], Generic[S_co, T_co]):
    """A task that said that it is ready: what :meth:`TaskGroup.start` returns."""

    __slots__ = ("_is_started", "_started")

    def __init__(self, group: TaskGroup, site: Site) -> None:
        super().__init__(group, site)
        self._is_started = False
        self._started: Any = None

    @property
    def started(self) -> S_co:
        """The value that the task handed to its ``started`` argument."""
        value: S_co = self._started
        return value

    def _judge(self, error: BaseException) -> tuple[int, BaseException]:
        if self._is_started or not isinstance(error, Exception):
            return super()._judge(error)
        # It goes to who waits in TaskGroup.start, who may handle it; the group does not fail.
        add_spawn_note(error, self)
        return _abi.WEFT_VALUE, error


class Started(Generic[S]):
    """The first argument of a function that :meth:`TaskGroup.start` runs.

    The function calls it once, with a value for who started it, when it is ready.
    """

    __slots__ = ("_lock", "_service")

    def __init__(self, service: Service[S, Any], lock: _thread.LockType) -> None:
        self._service = service
        self._lock = lock

    def __call__(self, value: S) -> None:
        service = self._service
        if service._is_started:
            raise RuntimeError(f"task {service.name!r} called started() a second time")
        service._started = value
        service._is_started = True
        self._lock.release()


def add_spawn_note(error: BaseException, task: Task[Any]) -> None:
    """Make an exception say where its fiber came from."""
    try:
        error.add_note(f"spawned at {task._site.where} (task {task.name!r})")
    except (AttributeError, TypeError):
        pass  # an exception class that forbids it


def _acquire(lock: _thread.LockType, timeout: float | None) -> bool:
    """Wait for a lock. Cancellation cuts it, unlike other waits that this module may make."""
    if timeout is None or timeout == math.inf:
        return lock.acquire()
    return lock.acquire(True, min(max(timeout, 0.0), threading.TIMEOUT_MAX))


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make the task's call. For a function in C, like time.sleep, the cut arrives in this frame."""
    return fn(*args, **kwargs)


def run_task(
    task: Task[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """The body of a fiber. It runs in the task's own context and lets no exception out."""
    task._ident = ident = _get_ident()
    task._state = _RUNNING
    try:
        if task._group._cancels:
            info = cancel_state()
            if info.cancelled:
                raise from_info(info)
        value = _call(fn, args, kwargs)
        if isinstance(value, Coroutine):
            from weft._async import run_coroutine

            value = run_coroutine(value)  # pyright: ignore
    except BaseException as error:
        task._fail(error)
    else:
        task._value = value
        task._state = _VALUE
    # The call's arguments and result live no longer than they have to.
    del fn, args, kwargs
    task._end()
    if _DUMMIES_STAY:
        _active.pop(ident, None)


# threading.current_thread() in a fiber that threading did not start makes a _DummyThread. Up to
# 3.12 it stays in this dictionary after the fiber has ended.
_DUMMIES_STAY = sys.version_info < (3, 13)
_active: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]

keep_whole(globals(), _acquire, _call)
