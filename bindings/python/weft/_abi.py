# generated from proto/weft.textproto by bindings/gen; do not edit
"""weft's C functions for Python, by ctypes.

Handles are ints. A struct parameter takes an instance of its class, which sets its size
field by itself; an out-parameter for a number or a handle takes a ctypes integer. A
callback has to be made by its type and kept alive as long as it may be called; a
callback field that is left out is NULL.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any, Final

WEFT_VERSION: Final = 0 << 16 | 1 << 8 | 0
"""The version that this file is made for, as weft_version() writes one."""

# weft_status: what a call returns.
WEFT_OK: Final = 0
"""The call did what it says."""
WEFT_ECANCELED: Final = -1
"""The caller's token is cancelled and the wait was cut. Unwind, and leave the scope;
weft_cancel_state tells why.
"""
WEFT_ETIMEDOUT: Final = -2
"""The deadline given to the call passed. The deadline of a scope gives WEFT_ECANCELED inside the
scope and this code when the scope is closed.
"""
WEFT_ECLOSED: Final = -3
"""What the call wanted to use was closed in the meantime."""
WEFT_EFAILED: Final = -4
"""A child of the nursery ended with an error."""
WEFT_EAGAIN: Final = -5
"""The call would have had to wait and was told not to."""
WEFT_EBUSY: Final = -6
"""Something is still in use that the call would take away or replace."""
WEFT_EDEADLOCK: Final = -7
"""The wait could never end, as when a fiber joins itself."""
WEFT_EINVAL: Final = -8
"""An argument is NULL, out of range or contradicts another one."""
WEFT_ENOMEM: Final = -9
"""Memory could not be allocated; nothing was changed."""
WEFT_EFORKED: Final = -10
"""The handle or the runtime belongs to the parent process. A forked child has the fiber that forked
and nothing else.
"""
WEFT_EBADHANDLE: Final = -11
"""The handle is NULL, was given back, is of another kind or was never one."""
WEFT_ENOTFIBER: Final = -12
"""The call is for fibers, and this is an OS thread of its own."""
WEFT_ENOTSTARTED: Final = -13
"""weft_start was not called, or weft_stop was."""
WEFT_ESTARTED: Final = -14
"""There is one runtime in a process and it runs."""
WEFT_EORDER: Final = -15
"""A nursery or scope is closed by another fiber than the one that opened it, or before one that was
opened inside it.
"""
WEFT_ENOTSUP: Final = -16
"""This libc, this kernel or this build of weft cannot do it."""
WEFT_EINTR: Final = -17
"""A signal handler ran while the call waited. Do what the host does after signals, then call again.
"""
WEFT_ELIMIT: Final = -18
"""A limit of the system is reached: memory maps (vm.max_map_count), address space, threads."""
WEFT_EMISMATCH: Final = -19
"""Library and caller disagree on a version or on the size of a struct."""

WEFT_NEVER: Final = 9223372036854775807
"""No deadline, or a grace that does not end."""

# weft_kind: How a fiber, or the body of a nursery or scope, ended.
WEFT_VALUE: Final = 0
"""it returned"""
WEFT_ERROR: Final = 1
"""it failed; this cancels its siblings"""
WEFT_CANCELLED: Final = 2
"""it unwound because its token was cancelled"""
WEFT_FATAL: Final = 3
"""the program is to end (an interrupt from the keyboard, an exit); this cancels the root"""

# weft_fiber_state: Where a fiber is in its life.
WEFT_FIBER_PENDING: Final = 0
"""it waits for a place in its nursery, or has not run yet"""
WEFT_FIBER_RUNNING: Final = 1
"""it runs, is ready to run or is parked"""
WEFT_FIBER_CANCELLING: Final = 2
"""it was cancelled and unwinds"""
WEFT_FIBER_DONE: Final = 3
"""it ended and has an outcome"""

# weft_spawn_flags: What kind of fiber to make.
WEFT_SPAWN_THREAD: Final = 1
"""give it thread-local storage of its own, for code that believes it is a pthread"""
WEFT_SPAWN_DAEMON: Final = 2
"""cancel it when the nursery closes and only such fibers are left in it"""

# weft_reason: Why a token was cancelled. The first reason stays.
WEFT_REASON_NONE: Final = 0
"""it was not"""
WEFT_REASON_CANCEL: Final = 1
"""somebody asked for it"""
WEFT_REASON_DEADLINE: Final = 2
"""a deadline passed"""
WEFT_REASON_FAILED: Final = 3
"""a sibling failed"""
WEFT_REASON_FATAL: Final = 4
"""a fiber ended with WEFT_FATAL"""
WEFT_REASON_SHUTDOWN: Final = 5
"""the runtime stops"""

# weft_scope_flags: What kind of scope to open.
WEFT_SCOPE_SHIELD: Final = 1
"""a cancellation from outside is seen only grace_ns later"""

# weft_policy: Whose calls to libc go through the seam.
WEFT_SEAM_NONE: Final = 0
"""nobody's: for C that calls weft itself"""
WEFT_SEAM_LISTED: Final = 1
"""those of the objects that are listed"""
WEFT_SEAM_PROCESS: Final = 2
"""those of every object but libc, the loader, weft and the libraries it stands on"""


class _Sized(ctypes.Structure):
    """A struct whose first field is its own size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(ctypes.sizeof(type(self)), **fields)


class weft_config(_Sized):
    """How to start the runtime. Zero means the default in each field."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("processors", ctypes.c_uint32),
        ("stack_light", ctypes.c_size_t),
        ("stack_thread", ctypes.c_size_t),
        ("flags", ctypes.c_uint32),
    ]
    size: int
    """sizeof(weft_config)"""
    processors: int
    """run queues that work at the same time; 0 is 1, and this version has no more"""
    stack_light: int
    """bytes of stack of a fiber that shares its worker's thread-local storage; 0 is 64 KiB"""
    stack_thread: int
    """bytes of stack of a fiber with thread-local storage of its own; 0 is 8 MiB of address space,
    of which only touched pages cost memory
    """
    flags: int
    """none yet: 0"""


class weft_stats(_Sized):
    """Counters of the runtime since weft_start. They are read without a lock: each is right,
    together they are a moment's picture at best.
    """

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("reserved0", ctypes.c_uint32),
        ("fibers_live", ctypes.c_uint64),
        ("fibers_peak", ctypes.c_uint64),
        ("fibers_spawned", ctypes.c_uint64),
        ("switches", ctypes.c_uint64),
        ("parks", ctypes.c_uint64),
        ("polls", ctypes.c_uint64),
        ("events", ctypes.c_uint64),
        ("stacks_cached", ctypes.c_uint64),
        ("slots_patched", ctypes.c_uint64),
        ("os_threads", ctypes.c_uint64),
        ("interrupts", ctypes.c_uint64),
    ]
    size: int
    """sizeof(weft_stats)"""
    reserved0: int
    """0"""
    fibers_live: int
    """fibers that have not ended"""
    fibers_peak: int
    """the most fibers that were alive at once"""
    fibers_spawned: int
    """fibers that were ever made"""
    switches: int
    """switches from one stack to another"""
    parks: int
    """waits that really parked a fiber"""
    polls: int
    """times the system was asked for ready descriptors"""
    events: int
    """ready descriptors it named"""
    stacks_cached: int
    """stacks that wait for their next fiber"""
    slots_patched: int
    """import slots that the seam points at weft"""
    os_threads: int
    """OS threads that weft itself uses"""
    interrupts: int
    """interrupts that hosts acknowledged"""


weft_fn = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
"""The body of a fiber."""


class weft_outcome(_Sized):
    """How something ended."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("kind", ctypes.c_int32),
        ("code", ctypes.c_int32),
    ]
    size: int
    """sizeof(weft_outcome)"""
    kind: int
    """what it was"""
    code: int
    """more about it: of a fiber its negative code, else as the call says; 0 if there is nothing"""


class weft_spawn_opts(_Sized):
    """How to make a fiber. Zero means the default in each field."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("stack", ctypes.c_size_t),
        ("site", ctypes.c_char_p),
    ]
    size: int
    """sizeof(weft_spawn_opts)"""
    flags: int
    """what kind of fiber"""
    name: bytes | None
    """for people who look inside; NULL: none"""
    stack: int
    """bytes of stack; 0 is the default of the kind of fiber"""
    site: bytes | None
    """where in the program it is spawned, as "app.py:12"; NULL: not known"""


class weft_nursery_opts(_Sized):
    """How to open a nursery. Zero means the default in each field."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("limit", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
    ]
    size: int
    """sizeof(weft_nursery_opts)"""
    limit: int
    """how many children may run at once, the others wait pending; 0: no limit"""
    name: bytes | None
    """for people who look inside; NULL: none"""


class weft_scope_opts(_Sized):
    """How to open a scope. There are no defaults: 0 is a deadline in the past."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("deadline_ns", ctypes.c_int64),
        ("grace_ns", ctypes.c_int64),
    ]
    size: int
    """sizeof(weft_scope_opts)"""
    flags: int
    """what kind of scope"""
    deadline_ns: int
    """when the scope cancels itself, on the clock of weft_now; WEFT_NEVER: not at all"""
    grace_ns: int
    """of a shield: nanoseconds that pass before it lets a cancellation through; WEFT_NEVER: it
    holds for ever
    """


class weft_cancel_info(_Sized):
    """The state of cancellation at one place of the tree."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("reason", ctypes.c_int32),
        ("cancelled", ctypes.c_uint32),
        ("deadline_ns", ctypes.c_int64),
        ("text", ctypes.c_char * 120),
    ]
    size: int
    """sizeof(weft_cancel_info)"""
    reason: int
    """why it is cancelled; a reason that a shield still holds back shows already"""
    cancelled: int
    """1 when waits end with WEFT_ECANCELED here, 0 when they do not"""
    deadline_ns: int
    """the least of the deadlines that hold here; WEFT_NEVER: none"""
    text: bytes
    """the text of the reason, or empty; ends with NUL"""


weft_interrupt_fn = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
"""A host's function that notes a signal for its main thread, as PyErr_SetInterruptEx does. It runs
in the fiber to be interrupted, in the middle of a libc call that the host makes, and must not park.
"""


class weft_host(_Sized):
    """What weft has to know of a language runtime."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("signal_number", ctypes.c_uint32),
        ("interrupt", weft_interrupt_fn),
        ("module", ctypes.c_char_p),
    ]
    size: int
    """sizeof(weft_host)"""
    signal_number: int
    """a signal that the host reserved: its handler asks weft_host_interrupt_ack and raises"""
    interrupt: Callable[[int], int]
    """called to interrupt a cancelled fiber; NULL: its calls end with ECANCELED at once"""
    module: bytes | None
    """part of the file name of the host's shared object, as "libpython": threads made there become
    fibers; NULL: only those made by the main program, which always counts
    """


def _find() -> str:
    """WEFT_LIBRARY, else the library beside this file, else the system's."""
    named = os.environ.get("WEFT_LIBRARY")
    if named:
        return named
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libweft.so")
    return beside if os.path.exists(beside) else "libweft.so.0"


def _bind(library: ctypes.CDLL, name: str, result: type[Any], *arguments: type[Any]) -> Any:
    try:
        function: Any = getattr(library, name)
    except AttributeError:
        raise ImportError(f"weft: {library_path} has no function {name}") from None
    function.restype = result
    function.argtypes = arguments
    return function


def _dotted(version: int) -> str:
    return f"{version >> 16}.{version >> 8 & 255}.{version & 255}"


def _check() -> None:
    """Refuse a library of another version, or one that lays structs out differently."""
    version = _bind(_holding, "weft_version", ctypes.c_uint32)()
    uint32 = ctypes.c_uint32
    check = _bind(_holding, "weft_check", ctypes.c_int, uint32, uint32, uint32)
    sizes = ctypes.sizeof(weft_config), ctypes.sizeof(weft_stats)
    if check(WEFT_VERSION, *sizes) != WEFT_OK:
        raise ImportError(
            f"weft: the Python package is made for version {_dotted(WEFT_VERSION)},"
            f" but {library_path} is version {_dotted(version)} or built differently"
        )


library_path: Final = _find()
"""The library that is used."""

try:
    _releasing = ctypes.CDLL(library_path)  # lets go of the GIL for the call
    _holding = ctypes.PyDLL(library_path)  # keeps it: for calls that never wait
except OSError as error:
    raise ImportError(f"weft: cannot load {library_path}: {error}") from None

_check()

weft_version: Callable[[], int] = _bind(_holding, "weft_version", ctypes.c_uint32)
"""Returns the version of the library, to be compared with WEFT_VERSION of the header."""

weft_check: Callable[[int, int, int], int] = _bind(
    _holding, "weft_check", ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32
)
"""Compares what a caller was built against with what the library is. A binding calls it once, when
it loads the library and before anything else; the sizes show a wrong struct layout even between
equal versions.
"""

weft_strerror: Callable[[int], bytes] = _bind(
    _holding, "weft_strerror", ctypes.c_char_p, ctypes.c_int
)
"""Returns the text of a result code."""

weft_err_name: Callable[[int], bytes] = _bind(
    _holding, "weft_err_name", ctypes.c_char_p, ctypes.c_int
)
"""Returns the name of a result code as it stands in the header."""

weft_now: Callable[[], int] = _bind(_holding, "weft_now", ctypes.c_int64)
"""Returns the time that deadlines are compared with. It works before weft_start and after weft_stop
too.
"""

weft_start: Callable[[weft_config | None], int] = _bind(
    _releasing, "weft_start", ctypes.c_int, ctypes.POINTER(weft_config)
)
"""Starts the runtime. The calling OS thread becomes the main fiber and runs the others whenever it
parks.
"""

weft_stop: Callable[[], int] = _bind(_releasing, "weft_stop", ctypes.c_int)
"""Stops the runtime and gives back all it holds, handles included. The main fiber is a plain OS
thread again, and weft_start may be called anew. Not possible once the seam has patched something:
that code would go on calling weft.
"""

weft_stats_read: Callable[[weft_stats], int] = _bind(
    _holding, "weft_stats_read", ctypes.c_int, ctypes.POINTER(weft_stats)
)
"""Reads the counters of the runtime."""

weft_spawn: Callable[
    [
        int,
        Callable[[int | None], int],
        int | None,
        weft_spawn_opts | None,
        ctypes.c_uint64 | None,
    ],
    int,
] = _bind(
    _releasing,
    "weft_spawn",
    ctypes.c_int,
    ctypes.c_uint64,
    weft_fn,
    ctypes.c_void_p,
    ctypes.POINTER(weft_spawn_opts),
    ctypes.POINTER(ctypes.c_uint64),
)
"""Makes a fiber that runs fn(arg) as a child of the nursery. It runs soon, not before the caller
parks. In a nursery with a limit it stays pending until there is a place; the call does not wait for
that.
"""

weft_adopt: Callable[[int, weft_spawn_opts | None, ctypes.c_uint64 | None], int] = _bind(
    _releasing,
    "weft_adopt",
    ctypes.c_int,
    ctypes.c_uint64,
    ctypes.POINTER(weft_spawn_opts),
    ctypes.POINTER(ctypes.c_uint64),
)
"""Announces that the next thread which the calling fiber creates by pthread_create is to be a child
of the nursery. It is how a host starts fibers by its own means and still has them owned. In a
nursery with a limit it waits until there is a place.

It parks and can be cancelled.
"""

weft_adopt_abort: Callable[[], int] = _bind(_holding, "weft_adopt_abort", ctypes.c_int)
"""Takes a weft_adopt of the calling fiber back, because no thread was made. The fiber that was
announced never was; the handle that weft_adopt gave is given back too and reads WEFT_EBADHANDLE.
Without a pending adopt it does nothing.
"""

weft_join: Callable[[int, int, weft_outcome | None], int] = _bind(
    _releasing,
    "weft_join",
    ctypes.c_int,
    ctypes.c_uint64,
    ctypes.c_int64,
    ctypes.POINTER(weft_outcome),
)
"""Waits until a fiber has ended and says how. A fiber may be joined many times, by many, and after
its nursery closed. Its failure is its nursery's business: the call returns WEFT_OK however the
fiber ended.

It parks and can be cancelled.
"""

weft_fiber_cancel: Callable[[int, bytes | None], int] = _bind(
    _holding, "weft_fiber_cancel", ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p
)
"""Cancels one fiber: its waits end with WEFT_ECANCELED. It does not wait for the fiber to end. The
first reason wins; a fiber that is done or being cancelled is left as it is.
"""

weft_fiber_state_get: Callable[[int, ctypes.c_int32], int] = _bind(
    _holding, "weft_fiber_state_get", ctypes.c_int, ctypes.c_uint64, ctypes.POINTER(ctypes.c_int32)
)
"""Reads where a fiber is in its life. Unless it is done, the answer may be old when it arrives."""

weft_fiber_release: Callable[[int], int] = _bind(
    _holding, "weft_fiber_release", ctypes.c_int, ctypes.c_uint64
)
"""Gives a handle of a fiber back. The fiber runs on."""

weft_self: Callable[[ctypes.c_uint64], int] = _bind(
    _holding, "weft_self", ctypes.c_int, ctypes.POINTER(ctypes.c_uint64)
)
"""Hands out a handle of the calling fiber."""

weft_yield: Callable[[], int] = _bind(_releasing, "weft_yield", ctypes.c_int)
"""Lets the fibers that are ready run first. It is not a wait and is never cut.

It parks, and cancellation does not cut it.
"""

weft_sleep: Callable[[int], int] = _bind(_releasing, "weft_sleep", ctypes.c_int, ctypes.c_int64)
"""Parks the calling fiber for a time. 0 lets the others run once.

It parks and can be cancelled.
"""

weft_sleep_until: Callable[[int], int] = _bind(
    _releasing, "weft_sleep_until", ctypes.c_int, ctypes.c_int64
)
"""Parks the calling fiber until a moment. A moment in the past lets the others run once.

It parks and can be cancelled.
"""

weft_checkpoint: Callable[[], int] = _bind(_releasing, "weft_checkpoint", ctypes.c_int)
"""Asks, in the middle of a long computation, whether the caller is cancelled, and lets others run
when its slice of time is over. It costs little when neither is the case.

It parks and can be cancelled.
"""

weft_outcome_set: Callable[[int, int], int] = _bind(
    _holding, "weft_outcome_set", ctypes.c_int, ctypes.c_int32, ctypes.c_int32
)
"""Sets how the calling fiber will have ended, whatever its function returns. A host calls it last
in a fiber, when it knows what the language above made of it; the last call counts.
"""

weft_nursery_open: Callable[[weft_nursery_opts | None, ctypes.c_uint64], int] = _bind(
    _holding,
    "weft_nursery_open",
    ctypes.c_int,
    ctypes.POINTER(weft_nursery_opts),
    ctypes.POINTER(ctypes.c_uint64),
)
"""Opens a nursery. Its token becomes the calling fiber's current one until it is closed, and that
of its children from their start.
"""

weft_nursery_cancel: Callable[[int, bytes | None], int] = _bind(
    _holding, "weft_nursery_cancel", ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p
)
"""Cancels the children of a nursery and the body of the fiber that opened it. It does not wait. The
first reason wins.
"""

weft_nursery_close: Callable[[int, int, weft_outcome], int] = _bind(
    _releasing,
    "weft_nursery_close",
    ctypes.c_int,
    ctypes.c_uint64,
    ctypes.c_int32,
    ctypes.POINTER(weft_outcome),
)
"""Waits until all children have ended and closes the nursery. Cancellation does not cut this wait:
it reaches the children, and the call still returns only when they are gone. A body that did not end
with WEFT_VALUE cancels the children first.

What leaves is in out->kind:
* WEFT_VALUE: nothing; a cancellation by the nursery's own token ends here.
* WEFT_CANCELLED: a cancellation by an outer token, which travels on.
* WEFT_ERROR: children failed, out->code is how many; 0 if it was the body alone.
* WEFT_FATAL: a child or the body ended so.

It parks, and cancellation does not cut it.
"""

weft_nursery_info: Callable[[int, weft_cancel_info], int] = _bind(
    _holding, "weft_nursery_info", ctypes.c_int, ctypes.c_uint64, ctypes.POINTER(weft_cancel_info)
)
"""Reads the state of a nursery's own token."""

weft_scope_open: Callable[[weft_scope_opts, ctypes.c_uint64], int] = _bind(
    _holding,
    "weft_scope_open",
    ctypes.c_int,
    ctypes.POINTER(weft_scope_opts),
    ctypes.POINTER(ctypes.c_uint64),
)
"""Opens a scope: the code until weft_scope_close runs under a token of its own, with a deadline, a
shield, or both.
"""

weft_scope_close: Callable[[int, int, weft_outcome], int] = _bind(
    _holding,
    "weft_scope_close",
    ctypes.c_int,
    ctypes.c_uint64,
    ctypes.c_int32,
    ctypes.POINTER(weft_outcome),
)
"""Closes a scope and says what leaves it. A WEFT_CANCELLED that the scope's own token caused is
absorbed, unless an outer cancellation is visible here too.

When it is absorbed, out->kind is WEFT_VALUE and out->code says by what: WEFT_ETIMEDOUT by the
scope's deadline, WEFT_ECANCELED by weft_token_cancel. Otherwise out->kind is kind_in and out->code
is 0.
"""

weft_token_current: Callable[[ctypes.c_uint64], int] = _bind(
    _holding, "weft_token_current", ctypes.c_int, ctypes.POINTER(ctypes.c_uint64)
)
"""Hands out a reference to the token of the innermost nursery or scope that the calling fiber is
in.
"""

weft_token_cancel: Callable[[int, bytes | None], int] = _bind(
    _holding, "weft_token_cancel", ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p
)
"""Cancels a token and all below it. It does not wait. The first reason wins; a token whose nursery
or scope is closed is left as it is.
"""

weft_token_info: Callable[[int, weft_cancel_info], int] = _bind(
    _holding, "weft_token_info", ctypes.c_int, ctypes.c_uint64, ctypes.POINTER(weft_cancel_info)
)
"""Reads the state of a token."""

weft_token_release: Callable[[int], int] = _bind(
    _holding, "weft_token_release", ctypes.c_int, ctypes.c_uint64
)
"""Gives back a reference that weft_token_current handed out. The token of an open scope is not
released but closed, by weft_scope_close.
"""

weft_cancel_state: Callable[[weft_cancel_info], int] = _bind(
    _holding, "weft_cancel_state", ctypes.c_int, ctypes.POINTER(weft_cancel_info)
)
"""Reads what holds for the calling fiber where it is now: whether its waits end with
WEFT_ECANCELED, why, and its effective deadline.
"""

weft_seam_open: Callable[[int, ctypes.Array[ctypes.c_char_p] | None], int] = _bind(
    _releasing, "weft_seam_open", ctypes.c_int, ctypes.c_int32, ctypes.POINTER(ctypes.c_char_p)
)
"""Points the import slots of loaded objects at weft, as far as the policy goes, and keeps doing so
for objects that are loaded later. It may be called late, and again with the same policy, and is
never taken back. In a thread that is not a fiber, a patched call does what it always did.
"""

weft_host_set: Callable[[weft_host], int] = _bind(
    _holding, "weft_host_set", ctypes.c_int, ctypes.POINTER(weft_host)
)
"""Introduces the language runtime, before weft_seam_open. What it says is copied; a later call
replaces it.
"""

weft_host_interrupt_ack: Callable[[weft_cancel_info | None], int] = _bind(
    _holding, "weft_host_interrupt_ack", ctypes.c_int, ctypes.POINTER(weft_cancel_info)
)
"""Asks, in the host's handler of its reserved signal, whether the signal is weft's way to cut a
wait of the calling fiber, and acknowledges it. Until then the fiber's interruptible calls end with
EINTR.
"""

weft_block_alloc: Callable[[int | None, int], int | None] = _bind(
    _holding, "weft_block_alloc", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
)
"""Gives a host page-aligned memory from a cache of anonymous mappings. A runtime that maps and
unmaps a block with every thread (CPython's data stack) spends more on that than on the fiber.
Together with weft_block_free it fits CPython's PyObjectArenaAllocator.
"""

weft_block_free: Callable[[int | None, int | None, int], int] = _bind(
    _holding, "weft_block_free", ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
)
"""Gives a block back, to the cache or to the system."""
