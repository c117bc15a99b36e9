"""Scopes: stretches of code with a deadline, a shield, or a cancel of their own."""

from __future__ import annotations

import math
from ctypes import c_uint64
from types import TracebackType
from typing import Self

from weft import _abi
from weft._cancel import (
    Reason,
    absorb,
    as_group,
    cancelled_here,
    encode_reason,
    info_reason,
    info_text,
    is_cancelled,
    keep_whole,
)
from weft._group import classify
from weft._runtime import fail, fork_count


def _to_ns(seconds: float) -> int:
    """Turn seconds into the ABI's nanoseconds; what does not fit is never."""
    if math.isnan(seconds):
        raise ValueError("a time must not be NaN")
    if seconds >= _abi.WEFT_NEVER / 1e9:
        return _abi.WEFT_NEVER
    return max(int(seconds * 1e9), 0)


def _to_seconds(ns: int) -> float:
    return math.inf if ns == _abi.WEFT_NEVER else ns / 1e9


class CancelScope:
    """A stretch of code that can be cancelled by itself: what ``with move_on_after(...)`` and its
    sisters give. It is entered once, and left by the fiber that entered it."""

    __slots__ = (
        "_at",
        "_caught",
        "_cause",
        "_forks",
        "_grace",
        "_seconds",
        "_shield",
        "_text",
        "_token",
    )

    def __init__(
        self,
        *,
        seconds: float | None = None,
        deadline: float = math.inf,
        shield: bool = False,
        grace: float | None = None,
    ) -> None:
        self._seconds = seconds
        self._at = _to_ns(deadline)
        self._shield = shield
        self._grace = _abi.WEFT_NEVER if grace is None else _to_ns(grace)
        self._token = 0
        self._forks = 0
        self._caught = False
        self._cause = Reason.NONE
        self._text: str | None = None
        if seconds is not None:
            _to_ns(seconds)  # complains early

    @property
    def deadline(self) -> float:
        """When the scope cancels itself, in seconds of time.monotonic(); inf: not at all."""
        return _to_seconds(self._at)

    @property
    def cancelled(self) -> bool:
        """Do waits inside the scope raise Cancelled? After it: was the scope itself cancelled?"""
        if not self._token:
            return self._cause is not Reason.NONE
        return bool(self._info().cancelled)

    @property
    def cancelled_caught(self) -> bool:
        """Did the scope end because of its own deadline or cancel? False while it is open."""
        return self._caught

    @property
    def reason(self) -> str | None:
        """The text given to cancel, if the scope was cancelled with one."""
        return info_text(self._info()) if self._token else self._text

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the code in the scope. Any fiber or thread may call it; the first reason stays."""
        if self._token:
            code = _abi.weft_token_cancel(self._token, encode_reason(reason))
            if code != _abi.WEFT_OK:
                fail(code, "cancel a scope")

    def _info(self) -> _abi.weft_cancel_info:
        info = _abi.weft_cancel_info()
        code = _abi.weft_token_info(self._token, info)
        if code != _abi.WEFT_OK:
            fail(code, "read a scope")
        return info

    def __enter__(self) -> Self:
        if self._forks:
            raise RuntimeError("a scope is entered once; make a new one")
        if self._seconds is not None:
            now = _abi.weft_now()
            self._at = min(now + _to_ns(self._seconds), _abi.WEFT_NEVER)
        options = _abi.weft_scope_opts(
            flags=_abi.WEFT_SCOPE_SHIELD if self._shield else 0,
            deadline_ns=self._at,
            grace_ns=self._grace,
        )
        token = c_uint64()
        code = _abi.weft_scope_open(options, token)
        if code != _abi.WEFT_OK:
            fail(code, "open a scope")
        self._token = token.value
        self._forks = 1 + fork_count()
        return self

    def _close(self, exc: BaseException | None) -> bool:
        """Close the scope. Is `exc`, or a part of it, its own cancellation?"""
        if self._forks != 1 + fork_count():
            return False  # a forked child leaves a block that its parent entered
        kind, _ = classify(exc)
        group = as_group(exc)
        if group is not None and group.subgroup(is_cancelled) is not None:
            kind = _abi.WEFT_CANCELLED
        info = self._info()
        out = _abi.weft_outcome()
        code = _abi.weft_scope_close(self._token, kind, out)
        if code != _abi.WEFT_OK:
            fail(code, "leave a scope")
        self._token = 0
        self._caught = kind == _abi.WEFT_CANCELLED and out.kind == _abi.WEFT_VALUE
        if out.code == _abi.WEFT_ETIMEDOUT:
            self._cause = Reason.DEADLINE
        elif self._caught:
            self._cause = info_reason(info)
        self._text = info_text(info) if self._caught else None
        if self._caught:
            absorb(exc)
        return self._caught


def _without_cancelled(exc: BaseException | None) -> BaseException | None:
    """What is left of an exception when its own cancellation has been absorbed."""
    group = as_group(exc)
    return None if group is None else group.split(is_cancelled)[1]


class MoveOnScope(CancelScope):
    """The scope of move_on_after and move_on_at."""

    __slots__ = ()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not self._close(exc):
            return False
        rest = _without_cancelled(exc)
        if rest is not None:
            raise rest
        return True


class FailScope(CancelScope):
    """The scope of fail_after, fail_at and shield."""

    __slots__ = ()

    # True only after scope.cancel(). See TaskGroup.__exit__ for the annotation.
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if not self._close(exc):
            return None
        rest = _without_cancelled(exc)
        if rest is not None:
            raise rest
        if self._cause is Reason.DEADLINE:
            raise TimeoutError(self._timeout_text()) from exc
        return True

    def _timeout_text(self) -> str:
        if self._seconds is not None:
            return f"not done within {self._seconds} s"
        return f"not done by {self.deadline} of time.monotonic()"


def move_on_after(seconds: float, *, shield: bool = False) -> MoveOnScope:
    """Cut the block when it has run for `seconds`, and go on after it.

    ``scope.cancelled_caught`` then tells whether it was cut. With `shield`, the block does not see
    cancellation from outside.
    """
    return MoveOnScope(seconds=seconds, shield=shield)


def move_on_at(deadline: float, *, shield: bool = False) -> MoveOnScope:
    """As move_on_after, with a `deadline` in seconds of time.monotonic()."""
    return MoveOnScope(deadline=deadline, shield=shield)


def fail_after(seconds: float, *, shield: bool = False) -> FailScope:
    """Cut the block when it has run for `seconds`, and raise TimeoutError.

    With `shield`, the block does not see cancellation from outside.
    """
    return FailScope(seconds=seconds, shield=shield)


def fail_at(deadline: float, *, shield: bool = False) -> FailScope:
    """As fail_after, with a `deadline` in seconds of time.monotonic()."""
    return FailScope(deadline=deadline, shield=shield)


def shield(grace: float | None = None) -> FailScope:
    """Let the block see cancellation from outside only `grace` seconds after it came; None: never.

    For a cleanup that has to wait. An outer deadline that passes is such a cancellation.
    """
    return FailScope(shield=True, grace=grace)


class Token:
    """The innermost scope or task group that the code runs in, for others to look at or cancel."""

    __slots__ = ("_forks", "_handle")

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._forks = fork_count()

    @property
    def cancelled(self) -> bool:
        """Do waits under this token raise Cancelled?"""
        return bool(self._info().cancelled)

    @property
    def reason(self) -> str | None:
        """The text given to cancel, or None."""
        return info_text(self._info())

    @property
    def code(self) -> Reason:
        """Why it is cancelled; Reason.NONE when it is not."""
        return info_reason(self._info())

    @property
    def deadline(self) -> float:
        """The earliest deadline that holds, in seconds of time.monotonic(); inf: none."""
        return _to_seconds(self._info().deadline_ns)

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the scope or group. It does nothing once that has been left."""
        code = _abi.weft_token_cancel(self._handle, encode_reason(reason))
        if code != _abi.WEFT_OK:
            fail(code, "cancel a token")

    def _info(self) -> _abi.weft_cancel_info:
        info = _abi.weft_cancel_info()
        code = _abi.weft_token_info(self._handle, info)
        if code != _abi.WEFT_OK:
            fail(code, "read a token")
        return info

    def __repr__(self) -> str:
        return f"<weft.Token {'cancelled' if self.cancelled else 'active'}>"

    def __del__(self) -> None:
        if self._forks == fork_count():
            _abi.weft_token_release(self._handle)


def current_token() -> Token:
    """Return the token of the innermost scope or task group that the calling fiber is in."""
    token = c_uint64()
    code = _abi.weft_token_current(token)
    if code != _abi.WEFT_OK:
        fail(code, "read the current token")
    return Token(token.value)


def checkpoint() -> None:
    """Raise Cancelled if the calling fiber is cancelled, and let others run when its turn is over.

    For long computations, which make no call that would do it. It costs little.
    """
    code = _abi.weft_checkpoint()
    if code == _abi.WEFT_ECANCELED:
        raise cancelled_here()
    if code != _abi.WEFT_OK:
        fail(code, "pass a checkpoint")


keep_whole(globals())
