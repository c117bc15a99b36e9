"""Starting weft in this interpreter, and turning its result codes into exceptions."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from typing import Any, NoReturn

from weft import _abi
from weft._cancel import CANCEL_SIGNAL, deliver

_CURES = {
    _abi.WEFT_ENOTSTARTED: "call weft.init() on the main thread first",
    _abi.WEFT_ENOTFIBER: "this thread was not made through weft: a C library made it, or it was "
    "started before weft.init(); do this in a thread or task started after weft.init()",
    _abi.WEFT_EORDER: "leave task groups and scopes in the opposite order of entering them, in the "
    "same fiber; a generator that yields inside such a `with` block breaks that",
    _abi.WEFT_EFORKED: "it was made before os.fork(); make a new one in the child",
    _abi.WEFT_EBADHANDLE: "use it only inside its `with` block",
    _abi.WEFT_ECLOSED: "the task group has joined its last task; use it inside its `with` block",
    _abi.WEFT_ENOMEM: "the process is out of memory",
    _abi.WEFT_ELIMIT: "raise the limit: vm.max_map_count, or address space and files in ulimit",
    _abi.WEFT_ENOTSUP: "weft needs Linux with glibc on x86-64 or aarch64",
    _abi.WEFT_EMISMATCH: "install libweft.so and the Python package from one release",
}

# Each fork makes what was open before it unusable in the child; objects remember the count they
# were made under.
_forks = 0
_started = False


class WeftError(RuntimeError):
    """weft refused a call. The text says what happened and what to do about it.

    ``code`` is the number of the result code, ``name`` its name (``"WEFT_ENOTFIBER"``).
    """

    code: int
    name: str

    def __init__(self, code: int, doing: str) -> None:
        self.code = code
        self.name = _abi.weft_err_name(code).decode()
        cure = _CURES.get(code)
        super().__init__(
            f"cannot {doing}: {_abi.weft_strerror(code).decode()} ({self.name})"
            + (f"; {cure}" if cure else "")
        )


def fail(code: int, doing: str) -> NoReturn:
    """Raise the WeftError of a result code."""
    raise WeftError(code, doing)


def fork_count() -> int:
    """How many forks led from the first process of the program to this one."""
    return _forks


def _after_fork_in_child() -> None:
    global _forks
    _forks += 1
    _repair_main_thread()


def _repair_main_thread() -> None:
    """Make the thread that is main after a fork in a task a whole main thread for threading.

    threading knows a task as a _DummyThread. Up to 3.11.7 and 3.12.1 it takes that as it is for the
    main thread of the child, and fails at the child's end (gh-102512); this is what later ones do.
    """
    private: Any = threading
    main: Any = threading.main_thread()
    if type(main) is private._DummyThread:
        main.__class__ = private._MainThread
        main._name = "MainThread"
        main._daemonic = False
        main._set_tstate_lock()


def init() -> None:
    """Start weft: from now on, blocking calls inside a fiber let other fibers run.

    Call it once, on the main thread, at any time: before or after any import. Threads started after
    it (``threading.Thread``, executors, ...) are fibers, and the main thread is one too. A second
    call does nothing.
    """
    global _started
    if _started:
        return
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "weft.init() must be called on the main thread: that thread becomes the main fiber"
        )
    code = _abi.weft_start(None)
    if code not in (_abi.WEFT_OK, _abi.WEFT_ESTARTED):
        fail(code, "start weft")
    _introduce_host()
    code = _abi.weft_seam_open(_abi.WEFT_SEAM_PROCESS, None)
    if code != _abi.WEFT_OK:
        fail(code, "open the seam")
    os.register_at_fork(after_in_child=_after_fork_in_child)
    _share_arenas()
    _started = True


class _ArenaAllocator(ctypes.Structure):
    """CPython's PyObjectArenaAllocator."""

    _fields_ = (
        ("context", ctypes.c_void_p),
        ("alloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


def _share_arenas() -> None:
    """Let each new thread take its data stack from a cache: mapping and unmapping one costs more
    than the fiber. What CPython has mapped so far goes back through the same functions."""
    alloc: Any = _abi.weft_block_alloc
    free: Any = _abi.weft_block_free
    arenas = _ArenaAllocator(
        alloc=ctypes.cast(alloc, ctypes.c_void_p), free=ctypes.cast(free, ctypes.c_void_p)
    )
    ctypes.pythonapi.PyObject_SetArenaAllocator(ctypes.byref(arenas))


def _introduce_host() -> None:
    """Tell weft how to interrupt a blocked call of this interpreter: as a signal handler would."""
    signal.signal(CANCEL_SIGNAL, deliver)
    host = _abi.weft_host(signal_number=CANCEL_SIGNAL)
    host.interrupt = ctypes.cast(ctypes.pythonapi.PyErr_SetInterruptEx, _abi.weft_interrupt_fn)
    host.module = b"libpython"
    code = _abi.weft_host_set(host)
    if code != _abi.WEFT_OK:
        fail(code, "introduce CPython to weft")
