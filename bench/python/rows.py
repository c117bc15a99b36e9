"""The table as data: its rows, who runs what for each, and what counts as good.

A row compares the peers by one metric of their jobs. A job is one process; a job that two rows name
runs once a round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

PEERS = ("weft", "gevent", "asyncio", "uvloop", "trio", "threads")


@dataclass(frozen=True)
class Job:
    """One process: `function` of `cases/`, run as `peer`."""

    peer: str
    function: str
    size: int  # what it is called with; for echo servers: how many connections talk to it
    quick: int  # the same in a smoke test
    kind: str = "plain"  # or "echo": with the load of echo.c, or "pages": with the server pages.c
    arguments: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in the raw results."""
        return " ".join((self.peer, self.function, str(self.size), *self.arguments))


@dataclass(frozen=True)
class Target:
    """What weft should reach: an absolute value, or a multiple of a peer's in the same round."""

    limit: float
    of: str | None = None
    stretch: bool = False  # worth trying; not reaching it is no failure


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    unit: str
    metric: str
    measured: str  # exactly what, for the results page
    jobs: Mapping[str, Job]
    also: Mapping[str, Job] = field(default_factory=dict)  # label: not in the table, but said below
    absent: Mapping[str, str] = field(default_factory=dict)  # peer: why it has no such thing
    named: Mapping[str, str] = field(default_factory=dict)  # peer: what it used
    targets: tuple[Target, ...] = ()
    more_is_better: bool = False
    floor: str = ""  # what sets the limit; said when a target is not reached


def jobs_of(functions: Mapping[str, str], size: int, quick: int, **others: int) -> dict[str, Job]:
    """A job for each peer; `others` gives some of them another size."""
    return {
        peer: Job(peer, function, others.get(peer, size), min(quick, others.get(peer, size)))
        for peer, function in functions.items()
    }


# ---- spawning

_TASKS = {
    "weft": "spawn.in_weft",
    "gevent": "spawn.in_gevent",
    "asyncio": "spawn.in_asyncio",
    "uvloop": "spawn.in_asyncio",
    "trio": "spawn.in_trio",
    "threads": "spawn.threads",
}
_NO_THREADS = "has no threads to patch; its tasks are in the row above"

SPAWN = Row(
    key="spawn",
    title="spawn + join 100k, in a task group",
    unit="µs",
    metric="wall_us",
    measured="One function starts 100 000 tasks that add 1 to a counter, in one task group, and"
    " leaves the group. Wall time from before the group is opened until it is left, per task."
    " weft: `create_task_group`, gevent: `pool.Group`, asyncio and uvloop: `TaskGroup`, trio:"
    " nursery; threads have no groups: 10 000 `Thread` objects, all started, then all joined.",
    jobs=jobs_of(_TASKS, 100_000, 500, threads=10_000),
    also={
        "weft, `_thread.start_new_thread` and a lock to join, without a task group": Job(
            "weft", "spawn.bare_threads", 100_000, 500
        ),
    },
    targets=(Target(8), Target(4, stretch=True)),
    floor="Each task is a whole CPython thread: a `PyThreadState`, a context, a call of the"
    " interpreter from C; what that costs with no task group at all is measured below. Memory that"
    " was not in use before costs 2.5-3.7 µs a page fault: so it counts whether a task finds the"
    " stack of one that has ended.",
)

SPAWN_THREADS = Row(
    key="spawn-threads",
    title="the same by `threading.Thread`",
    unit="µs",
    metric="wall_us",
    measured="Code that was written for threads: 100 000 (real threads: 10 000) `threading.Thread`"
    " objects are made, all started, then all joined. Wall time per thread.",
    jobs=jobs_of(
        {peer: "spawn.threads" for peer in ("weft", "gevent", "threads")},
        100_000,
        500,
        threads=10_000,
    ),
    absent={peer: _NO_THREADS for peer in ("asyncio", "uvloop", "trio")},
)

# ---- switching

SWITCH = Row(
    key="switch",
    title="switch between two",
    unit="µs",
    metric="wall_us",
    measured="Two tasks give way to each other; wall time per switch. weft: `time.sleep(0)`;"
    " gevent, asyncio, uvloop, trio: their `sleep(0)`. Threads cannot be told to give way, so two"
    " locks hand the turn over. A short run before the clock starts proves that the tasks do"
    " alternate.",
    jobs={
        "weft": Job("weft", "switch.sleep", 200_000, 400),
        "gevent": Job("gevent", "switch.sleep", 200_000, 400),
        "asyncio": Job("asyncio", "switch.in_asyncio", 200_000, 400),
        "uvloop": Job("uvloop", "switch.in_asyncio", 200_000, 400),
        "trio": Job("trio", "switch.in_trio", 200_000, 400),
        "threads": Job("threads", "switch.locks", 20_000, 400),
    },
    also={
        "weft, `os.sched_yield()`": Job("weft", "switch.sched_yield", 200_000, 400),
        "weft, by two locks": Job("weft", "switch.locks", 200_000, 400),
        "gevent, by two locks": Job("gevent", "switch.locks", 100_000, 400),
        "bare greenlets, no loop": Job("gevent", "switch.greenlets", 500_000, 400),
    },
    targets=(Target(0.8), Target(0.6, stretch=True)),
    floor="A blocking call of CPython gives the GIL back and takes it again, on both sides of the"
    " switch.",
)

# ---- queues

_TRIPS = {"asyncio": "trips.in_asyncio", "uvloop": "trips.in_asyncio", "trio": "trips.in_trio"}
_TRIP_NAMES = {"asyncio": "`asyncio.Queue`", "uvloop": "`asyncio.Queue`", "trio": "memory channel"}

SIMPLE_QUEUE = Row(
    key="simple-queue",
    title="queue round trip, `SimpleQueue`",
    unit="µs",
    metric="wall_us",
    measured="A message to another task through one queue, its answer through another: two"
    " messages, two switches. Wall time per round trip; the other task is there already. weft,"
    " gevent (patched), threads: `queue.SimpleQueue`; asyncio, uvloop: `asyncio.Queue`; trio:"
    " memory channel.",
    jobs=jobs_of(
        {p: "trips.simple_queue" for p in ("weft", "gevent", "threads")} | _TRIPS,
        50_000,
        200,
        threads=10_000,
    ),
    named=_TRIP_NAMES,
    targets=(Target(2),),
    floor="Two messages are two waits on a lock, and each gives the GIL back and takes it again.",
)

FULL_QUEUE = Row(
    key="full-queue",
    title="queue round trip, `queue.Queue`",
    unit="µs",
    metric="wall_us",
    measured="The same with `queue.Queue`, which is written in Python on locks and conditions."
    " asyncio, uvloop and trio have one kind of queue: the same figures as above.",
    jobs=jobs_of(
        {p: "trips.full_queue" for p in ("weft", "gevent", "threads")} | _TRIPS,
        50_000,
        200,
        threads=10_000,
    ),
    named=_TRIP_NAMES,
    targets=(Target(8),),
    floor="Most of it is `queue.Queue` itself: each wait of a condition makes a lock, and takes and"
    " releases three.",
)

# ---- sleepers

_SLEEPERS = {
    "weft": "sleepers.in_weft",
    "gevent": "sleepers.in_gevent",
    "asyncio": "sleepers.in_asyncio",
    "uvloop": "sleepers.in_asyncio",
    "trio": "sleepers.in_trio",
    "threads": "sleepers.threads",
}

BYTES = Row(
    key="bytes",
    title="memory of a sleeper",
    unit="bytes",
    metric="rss",
    measured="100 000 tasks (threads: 2 000) sleep for an hour, each inside a `try`/`finally`."
    " Resident memory of the process when all sleep, less that before the first, per task. The"
    " kernel's own memory for a real thread is not in it.",
    jobs=jobs_of(_SLEEPERS, 100_000, 200, threads=2_000),
    also={
        "weft, bare `_thread.start_new_thread`, without a task group": Job(
            "weft", "sleepers.bare_threads", 20_000, 200
        ),
        "threads, bare `_thread.start_new_thread`": Job(
            "threads", "sleepers.bare_threads", 2_000, 200
        ),
    },
    targets=(Target(12_000),),
    floor="A stack touches its pages one by one, a fiber's thread control block with the TLS of"
    " all loaded libraries takes more than another, and each CPython thread brings its own state"
    " and frame memory. What CPython and the stacks take without a task group is measured below.",
)

CANCEL = Row(
    key="cancel",
    title="cancel 100k",
    unit="µs",
    metric="wall_us",
    measured="The same sleepers are cancelled all at once: wall time from the call until each has"
    " run its `finally` and the group is left, per task.",
    jobs={peer: job for peer, job in BYTES.jobs.items() if peer != "threads"},
    absent={"threads": "a thread cannot be cancelled"},
    targets=(Target(10),),
    floor="Each task is woken, raises its exception by CPython's way for signals, unwinds, and ends"
    " as a thread does; the stacks of 100 000 do not fit into a cache.",
)

# ---- sockets

_ECHO = {
    "weft": "echo.in_weft",
    "gevent": "echo.in_gevent",
    "asyncio": "echo.in_asyncio",
    "uvloop": "echo.in_asyncio",
    "trio": "echo.in_trio",
    "threads": "echo.threads",
}
_PROTOCOLS = {"asyncio, protocol callbacks": "asyncio", "uvloop, protocol callbacks": "uvloop"}


def _echo_row(connections: int, target: float) -> Row:
    def job(peer: str, function: str) -> Job:
        return Job(peer, function, connections, min(connections, 64), "echo")

    return Row(
        key=f"echo-{connections}",
        title=f"echo, {connections} connections, blocking style",
        unit="k requests per server CPU-s",
        metric="rate",
        measured=f"A TCP echo server in one process, {connections} connections, one request of 64"
        " bytes under way on each. The load is another process, in C. Answers counted over 0.8 s"
        " after 0.2 s of warming up, divided by the CPU time, user and system, of the server"
        " process. weft, gevent and threads run the same blocking `recv`/`sendall` function for"
        " each connection. asyncio and uvloop have no blocking style: streams, with `await"
        " drain()`; trio: its socket streams.",
        jobs={peer: job(peer, function) for peer, function in _ECHO.items()},
        also={label: job(peer, "echo.protocol") for label, peer in _PROTOCOLS.items()},
        named={"asyncio": "streams", "uvloop": "streams"},
        targets=(Target(target),),
        more_is_better=True,
        floor="Most of a request is the kernel's TCP: epoll in C, with no language at all, did 83"
        " to 117 thousand on the machine on which the targets were set.",
    )


ECHO_64, ECHO_512 = _echo_row(64, 65), _echo_row(512, 60)

# ---- pages


def _pages(peer: str, function: str, library: str) -> Job:
    return Job(peer, f"pages.{function}", 1_000, 40, "pages", (library,))


_ASYNC_PAGES = {
    "asyncio": _pages("asyncio", "in_asyncio", "aiohttp"),
    "uvloop": _pages("uvloop", "in_asyncio", "aiohttp"),
    "trio": _pages("trio", "in_trio", "httpx"),
}
_PAGE_NAMES = {"asyncio": "aiohttp", "uvloop": "aiohttp", "trio": "httpx"}


def _pages_row(library: str, measured: str, target: Target, floor: str) -> Row:
    return Row(
        key=f"pages-{library}",
        title=f"1 000 GET, 200 at a time, `{library}`",
        unit="ms of client CPU",
        metric="cpu_ms",
        measured=measured,
        jobs={
            "weft": _pages("weft", "in_weft", library),
            "gevent": _pages("gevent", "in_gevent", library),
            **_ASYNC_PAGES,
            "threads": _pages("threads", "threads", library),
        },
        also={
            f"weft, {library}, a program for `ThreadPoolExecutor(200)`": _pages(
                "weft", "threads", library
            ),
        },
        named=_PAGE_NAMES,
        targets=(target,),
        floor=floor,
    )


REQUESTS = _pages_row(
    "requests",
    "1 000 pages of 1 KiB, 200 at a time, from a server in C that answers after 20 ms. CPU time,"
    " user and system, of the client process for all 1 000. `requests.get` for each page, so a"
    " connection for each. asyncio and uvloop use aiohttp and trio uses httpx with one client for"
    " all, which keeps connections alive: those do less work.",
    Target(1, "threads"),
    "Nearly all of it is `requests` itself; the rest is connecting.",
)
URLLIB3 = _pages_row(
    "urllib3",
    "The same with one `urllib3.PoolManager` for all, which keeps connections alive, as aiohttp and"
    " httpx do. The figures of asyncio, uvloop and trio are those of the row above.",
    Target(1.5, "asyncio"),
    "aiohttp parses HTTP in C, urllib3 and `http.client` do it in Python.",
)

ROWS = (
    SPAWN,
    SPAWN_THREADS,
    SWITCH,
    SIMPLE_QUEUE,
    FULL_QUEUE,
    BYTES,
    ECHO_64,
    ECHO_512,
    REQUESTS,
    URLLIB3,
    CANCEL,
)

# What else a job tells about itself, in words: for the explanation of a missed target.
METRICS = MappingProxyType(
    {
        "user_us": "µs of CPU in the program",
        "system_us": "µs of CPU in the kernel",
        "faults": "page faults",
        "os_switches": "switches by the operating system",
        "page_tables": "bytes of page tables in the kernel",
        "p50_us": "µs median latency",
        "p99_us": "µs latency at 99 %",
        "wall_ms": "ms wall time",
    }
)
