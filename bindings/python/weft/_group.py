"""Task groups: the owners of tasks."""

from __future__ import annotations

import _thread
import signal
import sys
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from ctypes import c_uint64
from types import TracebackType
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, Self, TypeVar, overload

from weft import _abi
from weft._cancel import (
    Cancelled,
    absorb,
    as_group,
    cancel_state,
    cancelled_here,
    encode_reason,
    from_info,
    is_cancelled,
    keep_whole,
    on_main_thread,
    set_fatal,
)
from weft._runtime import WeftError, fail, fork_count
from weft._task import Service, Site, Started, Task, _acquire, add_spawn_note, run_task, site_of

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")

_getframe = sys._getframe
_adopt = _abi.weft_adopt
_start_new_thread: Callable[..., int] = _thread.start_new_thread
_allocate_lock = _thread.allocate_lock

# Exceptions that end the program. They are never put into an exception group.
_FATAL: Final = (KeyboardInterrupt, SystemExit)


def classify(error: BaseException | None) -> tuple[int, BaseException | None]:
    """Say which of weft's four outcomes an exception is, and what of it matters to the outcome."""
    if error is None:
        return _abi.WEFT_VALUE, None
    if is_cancelled(error):
        return _abi.WEFT_CANCELLED, error
    if isinstance(error, _FATAL):
        return _abi.WEFT_FATAL, error
    group = as_group(error)
    if group is not None:
        return _classify_group(group)
    return _abi.WEFT_ERROR, error


def _classify_group(group: BaseExceptionGroup[BaseException]) -> tuple[int, BaseException]:
    """As classify, for the group that somebody else made of several outcomes."""
    _, rest = group.split(is_cancelled)
    if rest is None:
        return _abi.WEFT_CANCELLED, group
    fatal = rest.subgroup(_FATAL)
    if fatal is None:
        return _abi.WEFT_ERROR, rest
    first: BaseException = fatal
    while (inner := as_group(first)) is not None:
        first = inner.exceptions[0]
    _put_before(first, rest)
    return _abi.WEFT_FATAL, first


def _put_before(error: BaseException, other: BaseException) -> None:
    """Make `other` show as what happened before `error`, without losing what did already."""
    if other is not error and error.__context__ is not other:
        if other.__context__ is None:
            other.__context__ = error.__context__
        error.__context__ = other


def _travels_alone(error: BaseException) -> bool:
    """Must this exception leave a body as it is, because the code outside waits for its type?"""
    if isinstance(error, GeneratorExit):
        return True
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _is_only(errors: list[BaseException], error: BaseException) -> bool:
    return len(errors) == 1 and errors[0] is error


def _unique(errors: list[BaseException]) -> list[BaseException]:
    """Drop what is in the list already: a body may have raised what Task.result gave it."""
    return list({id(error): error for error in errors}.values())


class TaskGroup:
    """The owner of tasks: its ``with`` block is not left before all of them have ended.

    When a task or the body raises an exception, the other tasks and the body are cancelled, and all
    errors leave as one ExceptionGroup.
    """

    __slots__ = ("_cancels", "_errors", "_forks", "_handle", "_limit", "_name", "_spawns", "_state")

    def __init__(self, *, limit: int | None = None, name: str | None = None) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        self._limit = limit
        self._name = name
        self._state = "not entered"
        self._handle = 0
        self._forks = fork_count()
        self._spawns = 0
        # Set before anybody cancels: a task that begins then asks whether it should.
        self._cancels = limit is not None
        # Kind, number of the spawn, error: of each task that failed. Only added to until the close.
        self._errors: list[tuple[int, int, BaseException]] = []

    @property
    def name(self) -> str | None:
        """The name given to create_task_group."""
        return self._name

    def __repr__(self) -> str:
        name = "" if self._name is None else f" {self._name!r}"
        return f"<{type(self).__qualname__}{name} {self._state}>"

    def __enter__(self) -> Self:
        if self._state != "not entered":
            raise RuntimeError("a task group is entered once; make a new one")
        options = _abi.weft_nursery_opts(
            limit=self._limit or 0,
            name=encode_reason(self._name),
        )
        handle = c_uint64()
        code = _abi.weft_nursery_open(options, handle)
        if code != _abi.WEFT_OK:
            fail(code, "open a task group")
        self._forks = fork_count()
        self._handle = handle.value
        self._state = "open"
        return self

    # The result is True when the group's own cancellation ends here. It is annotated `bool | None`
    # because for `bool` type checkers assume that any exception in the block may be swallowed, and
    # then call every name that is assigned in it possibly unbound after it.
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if self._forks != fork_count():
            self._leave_forked(exc)
            return None
        kind, problem = classify(exc)
        interrupts: list[BaseException] = []
        out = self._join(kind, interrupts)
        fatal, errors = self._sort(problem, kind, interrupts)
        try:
            if fatal is not None:
                _leave_fatal(fatal, errors, exc)
                return None
            if not errors:
                return self._leave_cancelled(kind, out, exc)
            if exc is not None and _is_only(errors, exc) and _travels_alone(exc):
                return None
            raise BaseExceptionGroup(self._message(len(errors)), errors) from None
        finally:
            # An error's traceback holds this frame, which would hold the error.
            del exc, problem, fatal, errors, interrupts

    @overload
    def start_soon(
        self, fn: Callable[P, Coroutine[Any, Any, T]], /, *, name: str | None = None
    ) -> Callable[P, Task[T]]: ...
    @overload
    def start_soon(
        self, fn: Callable[P, T], /, *, name: str | None = None
    ) -> Callable[P, Task[T]]: ...
    def start_soon(
        self, fn: Callable[..., Any], /, *, name: str | None = None
    ) -> Callable[..., Task[Any]]:
        """Return a function that runs ``fn`` in a new fiber of this group; call it with arguments.

        ``task = group.start_soon(fn)(1, key=2)``. `fn` may be ``async def``; its fiber then has an
        event loop of its own. In a group with a limit the call waits for a place, and only that
        wait can be cancelled.
        """

        def call(*args: Any, **kwargs: Any) -> Task[Any]:
            site = site_of(_getframe(1), name or _name_of(fn))
            task: Task[Any] = Task(self, site)
            self._spawn(task, site, fn, args, kwargs)
            return task

        return call

    @overload
    def start(
        self,
        fn: Callable[Concatenate[Started[S], P], Coroutine[Any, Any, T]],
        /,
        *,
        name: str | None = None,
    ) -> Callable[P, Service[S, T]]: ...
    @overload
    def start(
        self, fn: Callable[Concatenate[Started[S], P], T], /, *, name: str | None = None
    ) -> Callable[P, Service[S, T]]: ...
    def start(
        self, fn: Callable[..., Any], /, *, name: str | None = None
    ) -> Callable[..., Service[Any, Any]]:
        """Like start_soon, but wait until the task says that it is ready.

        `fn` gets a ``started`` function before its other arguments and calls it with a value, which
        is then ``.started`` of the returned Service. If it raises before that, the exception comes
        out of this call and is not the group's; if it ends without, that is a RuntimeError.
        """

        def call(*args: Any, **kwargs: Any) -> Service[Any, Any]:
            site = site_of(_getframe(1), name or _name_of(fn))
            service: Service[Any, Any] = Service(self, site)
            self._start(service, site, fn, args, kwargs)
            return service

        return call

    def cancel(self, reason: str | None = None) -> None:
        """Cancel all tasks of the group and its body. Does not wait. The first reason stays.

        It is no error: when all have unwound, the ``with`` block is left normally.
        """
        self._cancels = True
        code = _abi.weft_nursery_cancel(self._handle, encode_reason(reason))
        if code == _abi.WEFT_EBADHANDLE and self._state == "closed":
            return
        if code != _abi.WEFT_OK:
            fail(code, "cancel a task group")

    # ---- spawning

    def _spawn(
        self,
        task: Task[Any],
        site: Site,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        handle = c_uint64()
        try:
            code = _adopt(self._handle, site.options, handle)
            while code == _abi.WEFT_EINTR:  # Python runs the signal handlers here
                code = _adopt(self._handle, site.options, handle)
            if code != _abi.WEFT_OK:
                self._refuse_spawn(code)
            task._handle = handle.value
            task._spawned = self._spawns = self._spawns + 1
            _start_new_thread(copy_context().run, (run_task, task, fn, args, kwargs))
        except BaseException:
            _abi.weft_adopt_abort()  # does nothing when the thread was made
            raise

    def _refuse_spawn(self, code: int) -> NoReturn:
        if code == _abi.WEFT_ECANCELED:
            raise cancelled_here()
        fail(code, "start a task in this group")

    def _start(
        self,
        service: Service[Any, Any],
        site: Site,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        lock = _allocate_lock()
        lock.acquire()
        service._waiters.append(lock.release)
        self._spawn(service, site, fn, (Started(service, lock), *args), kwargs)
        try:
            _acquire(lock, None)
        except BaseException:
            service.cancel("the caller of start() stopped waiting for it")
            raise
        if service._is_started:
            service._forget(lock.release)
            return
        error = service.exception()
        if error is not None and not isinstance(error, (Cancelled, *_FATAL)):
            raise error
        raise RuntimeError(f"task {service.name!r} ended without calling started()") from error

    def _child_failed(self, task: Task[Any], error: BaseException) -> tuple[int, BaseException]:
        """Called in the task's fiber; returns the outcome, and the error that stands for it."""
        kind, problem = classify(error)
        assert problem is not None
        if kind == _abi.WEFT_FATAL:
            set_fatal(problem)
        if kind != _abi.WEFT_CANCELLED:
            add_spawn_note(problem, task)
            self._cancels = True
            self._errors.append((kind, task._spawned, problem))
        elif not isinstance(problem, Cancelled):
            problem = from_info(cancel_state())
        return kind, problem

    # ---- closing

    def _join(self, kind: int, interrupts: list[BaseException]) -> _abi.weft_outcome:
        """Wait for all tasks and close the nursery. Signal handlers run meanwhile; what they raise
        cancels the group and is added to `interrupts`, and the wait goes on."""
        self._state = "closing"
        if kind != _abi.WEFT_VALUE:
            self._cancels = True
        out = _abi.weft_outcome()
        guard = _InterruptGuard()
        if kind == _abi.WEFT_FATAL:
            guard.arm()
        code = _abi.WEFT_EINTR
        while code == _abi.WEFT_EINTR:
            try:
                while code == _abi.WEFT_EINTR:
                    code = _abi.weft_nursery_close(self._handle, kind, out)
            except BaseException as error:
                interrupts.append(error)
                kind = max(classify(error)[0], kind)
                self._cancels = True
                _abi.weft_nursery_cancel(self._handle, encode_reason(_text_of(error)))
                guard.arm()
        guard.disarm()
        # A handler may have raised when the close was done already.
        is_closed = code == _abi.WEFT_OK or (code == _abi.WEFT_EBADHANDLE and bool(interrupts))
        if not is_closed:
            fail(code, "leave a task group")
        self._state = "closed"
        self._handle = 0
        return out

    def _sort(
        self, problem: BaseException | None, kind: int, interrupts: list[BaseException]
    ) -> tuple[BaseException | None, list[BaseException]]:
        """Gather what went wrong: what ends the program, and the rest; the body's own comes first,
        the tasks' in the order in which they were spawned."""
        found = [(kind, 0, problem)] if problem is not None else []
        found += [(classify(error)[0], 0, error) for error in interrupts]
        found += sorted(self._errors, key=lambda entry: entry[1])
        self._errors = []
        fatals = [error for k, _, error in found if k == _abi.WEFT_FATAL]
        errors = [error for k, _, error in found if k == _abi.WEFT_ERROR]
        errors = _unique(errors + fatals[1:])
        if not fatals:
            return None, errors
        return fatals[0], [error for error in errors if error is not fatals[0]]

    def _leave_cancelled(
        self, kind: int, out: _abi.weft_outcome, exc: BaseException | None
    ) -> bool | None:
        """Leave without an error: in peace, or because somebody was cancelled."""
        if out.kind == _abi.WEFT_CANCELLED and exc is None:
            raise cancelled_here()
        if kind != _abi.WEFT_CANCELLED or out.kind != _abi.WEFT_VALUE:
            return None
        absorb(exc)
        return True

    def _leave_forked(self, exc: BaseException | None) -> None:
        """Leave in a forked child, which has none of the tasks."""
        if exc is None:
            raise WeftError(_abi.WEFT_EFORKED, "leave a task group in a forked child")

    def _message(self, count: int) -> str:
        of = "a task group" if self._name is None else f"task group {self._name!r}"
        return f"{count} error{'' if count == 1 else 's'} in {of}"


def _text_of(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _name_of(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__qualname__", None)
    if name is None:
        name = getattr(getattr(fn, "func", None), "__qualname__", None)  # functools.partial
    return name if isinstance(name, str) else type(fn).__qualname__


def _leave_fatal(
    fatal: BaseException, errors: list[BaseException], exc: BaseException | None
) -> None:
    """Leave by the exception that ends the program; the others stay visible as its context."""
    if on_main_thread():
        set_fatal(None)
    if errors:
        _put_before(fatal, BaseExceptionGroup("the program ended with other errors", errors))
    if fatal is exc:
        return
    context = fatal.__context__
    try:
        raise fatal
    finally:
        # Raising made the body's exception the context.
        fatal.__context__ = context


class _InterruptGuard:
    """Gives Ctrl-C back its meaning for the system while a group unwinds: the process is killed.

    Only on the main thread, and only where Python's own handler is in place.
    """

    __slots__ = ("_armed",)

    def __init__(self) -> None:
        self._armed = False

    def arm(self) -> None:
        if self._armed or not on_main_thread():
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self._armed = True

    def disarm(self) -> None:
        if self._armed and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def create_task_group(*, limit: int | None = None, name: str | None = None) -> TaskGroup:
    """Make a task group, to be entered by ``with``.

    `limit` is how many of its tasks may exist at once: start_soon waits for a place, which makes
    the group a pool. `name` is for people who look inside.
    """
    return TaskGroup(limit=limit, name=name)


keep_whole(globals())
