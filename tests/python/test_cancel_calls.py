"""Cancellation cuts every kind of blocked call: few fibers in detail, and a thousand at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import queue
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable, Iterator

import weft
from support import HANG, PACKAGE, Case, environment, make_certificate, raise_file_limit, wait_until

MASS = 1000
FEW = 5

Body = Callable[[], object]


@contextlib.contextmanager
def sleep() -> Iterator[Body]:
    yield lambda: time.sleep(1000)


@contextlib.contextmanager
def recv() -> Iterator[Body]:
    sockets: list[socket.socket] = []

    def body() -> None:
        pair = socket.socketpair()
        sockets.extend(pair)
        pair[0].recv(1)

    yield body
    for s in sockets:
        s.close()


@contextlib.contextmanager
def recv_with_timeout() -> Iterator[Body]:
    a, b = socket.socketpair()
    a.settimeout(1000)
    with a, b:
        yield lambda: a.recv(1)


@contextlib.contextmanager
def sendall() -> Iterator[Body]:
    a, b = socket.socketpair()
    with a, b:
        yield lambda: a.sendall(bytes(100_000_000))


@contextlib.contextmanager
def accept() -> Iterator[Body]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.accept


@contextlib.contextmanager
def connect() -> Iterator[Body]:
    # Connections that a full backlog keeps waiting.
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())

        def body() -> None:
            with socket.socket() as s:
                s.connect(server.getsockname())

        yield body


@contextlib.contextmanager
def lock() -> Iterator[Body]:
    held = threading.Lock()

    def body() -> None:
        with held:
            raise AssertionError("the lock was entered")

    with held:
        yield body
    assert not held.locked()


@contextlib.contextmanager
def lock_with_timeout() -> Iterator[Body]:
    held = threading.Lock()
    with held:
        yield lambda: held.acquire(timeout=1000)
    assert not held.locked()


@contextlib.contextmanager
def rlock() -> Iterator[Body]:
    held = threading.RLock()

    def body() -> None:
        with held:
            raise AssertionError("the lock was entered")

    with held:
        yield body
    assert held.acquire(blocking=False)
    held.release()


@contextlib.contextmanager
def condition() -> Iterator[Body]:
    c = threading.Condition()

    def body() -> None:
        with c:
            try:
                c.wait()
            finally:
                assert c._is_owned()  # type: ignore[attr-defined]

    yield body
    assert c.acquire(blocking=False)
    c.release()
    assert not c._waiters  # type: ignore[attr-defined]


@contextlib.contextmanager
def condition_on_lock() -> Iterator[Body]:
    c = threading.Condition(threading.Lock())

    def body() -> None:
        with c:
            c.wait(1000)

    yield body
    assert c.acquire(blocking=False)
    c.release()
    assert not c._waiters  # type: ignore[attr-defined]


@contextlib.contextmanager
def event() -> Iterator[Body]:
    e = threading.Event()
    yield e.wait
    assert not e._cond._waiters  # type: ignore[attr-defined]


@contextlib.contextmanager
def semaphore() -> Iterator[Body]:
    s = threading.Semaphore(0)
    yield s.acquire
    s.release()
    assert s.acquire(blocking=False)


@contextlib.contextmanager
def barrier() -> Iterator[Body]:
    yield threading.Barrier(10 * MASS).wait


@contextlib.contextmanager
def queue_get() -> Iterator[Body]:
    q: queue.Queue[int] = queue.Queue()
    yield q.get
    q.put(1)
    assert q.get_nowait() == 1


@contextlib.contextmanager
def simple_queue_get() -> Iterator[Body]:
    q: queue.SimpleQueue[int] = queue.SimpleQueue()
    yield q.get
    q.put(1)
    assert q.get_nowait() == 1


@contextlib.contextmanager
def queue_put() -> Iterator[Body]:
    q: queue.Queue[int] = queue.Queue(1)
    q.put(0)
    yield lambda: q.put(1)
    assert q.qsize() == 1


@contextlib.contextmanager
def select_select() -> Iterator[Body]:
    a, b = socket.socketpair()
    with a, b:
        yield lambda: select.select([a], [], [])


@contextlib.contextmanager
def select_poll() -> Iterator[Body]:
    a, b = socket.socketpair()

    def body() -> None:
        p = select.poll()
        p.register(a, select.POLLIN)
        p.poll()

    with a, b:
        yield body


@contextlib.contextmanager
def select_epoll() -> Iterator[Body]:
    a, b = socket.socketpair()

    def body() -> None:
        with select.epoll() as p:
            p.register(a, select.EPOLLIN)
            p.poll()

    with a, b:
        yield body


@contextlib.contextmanager
def pipe_read() -> Iterator[Body]:
    r, w = os.pipe()
    yield lambda: os.read(r, 1)
    os.close(r)
    os.close(w)


@contextlib.contextmanager
def pipe_readline() -> Iterator[Body]:
    r, w = os.pipe()

    def body() -> None:
        with open(os.dup(r), "rb") as file:
            file.readline()

    yield body
    os.close(r)
    os.close(w)


@contextlib.contextmanager
def waitpid() -> Iterator[Body]:
    with subprocess.Popen(["sleep", "1000"]) as child:
        yield lambda: os.waitpid(child.pid, 0)
        child.kill()


@contextlib.contextmanager
def popen_wait() -> Iterator[Body]:
    with subprocess.Popen(["sleep", "1000"]) as child:
        yield child.wait
        assert child.returncode is None
        child.kill()


@contextlib.contextmanager
def thread_join() -> Iterator[Body]:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield thread.join
    assert thread.is_alive()
    stop.set()
    thread.join()
    assert not thread.is_alive()


@contextlib.contextmanager
def future_result() -> Iterator[Body]:
    future: concurrent.futures.Future[int] = concurrent.futures.Future()
    yield future.result
    future.set_result(1)
    assert future.result() == 1


@contextlib.contextmanager
def task_result() -> Iterator[Body]:
    stop = threading.Event()
    with weft.create_task_group() as group:
        task = group.start_soon(stop.wait)()
        yield task.result
        stop.set()


@contextlib.contextmanager
def asyncio_run() -> Iterator[Body]:
    async def main() -> None:
        await asyncio.sleep(1000)

    yield lambda: asyncio.run(main())


@contextlib.contextmanager
def coroutine() -> Iterator[Body]:
    async def body() -> None:
        await asyncio.sleep(1000)

    yield body


@contextlib.contextmanager
def tls_handshake() -> Iterator[Body]:
    context = ssl.create_default_context()
    with socket.create_server(("127.0.0.1", 0), backlog=2 * MASS) as server:

        def body() -> None:
            with socket.create_connection(server.getsockname()) as s:
                context.wrap_socket(s, server_hostname="localhost")

        yield body


@contextlib.contextmanager
def tls_read() -> Iterator[Body]:
    certificate, key = make_certificate()
    ours = ssl.create_default_context(cafile=certificate)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)

    def serve() -> None:
        with weft.create_task_group() as handlers:
            while True:
                connection, _ = server.accept()
                handlers.start_soon(handle)(connection)

    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            with theirs.wrap_socket(connection, server_side=True) as s:
                while data := s.recv(100):
                    s.sendall(data)

    def body() -> None:
        with socket.create_connection(server.getsockname()) as plain:
            with ours.wrap_socket(plain, server_hostname="localhost") as s:
                s.sendall(b"x")
                assert s.recv(1) == b"x"
                connected.append(1)
                s.recv(1)

    connected: list[int] = []
    body.connected = connected  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0), backlog=2 * MASS) as server:
        with weft.create_task_group() as group:
            group.start_soon(serve)()
            yield body
            group.cancel()


MASSES = {
    kind.__name__: kind
    for kind in (
        sleep,
        recv,
        accept,
        connect,
        lock,
        condition,
        event,
        queue_get,
        select_select,
        select_poll,
        select_epoll,
        pipe_read,
        waitpid,
        thread_join,
        tls_handshake,
        tls_read,
    )
}
KINDS = MASSES | {
    kind.__name__: kind
    for kind in (
        recv_with_timeout,
        sendall,
        lock_with_timeout,
        rlock,
        condition_on_lock,
        semaphore,
        barrier,
        simple_queue_get,
        queue_put,
        pipe_readline,
        popen_wait,
        future_result,
        task_result,
        asyncio_run,
    )
}


class Kinds(Case):
    """Each kind of blocked call, made a test below: `few` and `mass`."""

    def cut(self, kind: Callable[[], contextlib.AbstractContextManager[Body]], count: int) -> None:
        unwound = returned = entered = 0

        def work() -> None:
            nonlocal unwound, returned, entered
            entered += 1
            try:
                body()
                returned += 1
            finally:
                unwound += 1

        with kind() as body:
            with weft.create_task_group() as group:
                tasks = [group.start_soon(work)() for _ in range(count)]
                wait_until(lambda: entered == count)
                connected = getattr(body, "connected", None)
                wait_until(lambda: connected is None or len(connected) == count)
                time.sleep(0.05)
                self.assertEqual(unwound, 0, "they did not block")
                group.cancel("test")
            self.assertEqual((unwound, returned), (count, 0))
            self.assertEqual({t.status for t in tasks}, {"cancelled"})
        for task in tasks:
            error = task.exception()
            assert isinstance(error, weft.Cancelled)
            self.assertEqual(error.reason, "test")

    def cut_one_by_one(
        self, kind: Callable[[], contextlib.AbstractContextManager[Body]], count: int
    ) -> None:
        with kind() as body:
            with weft.create_task_group() as group:
                tasks = [group.start_soon(body)() for _ in range(count)]
                time.sleep(0.02)
                for task in tasks:
                    task.cancel()
                    self.assertIsInstance(task.exception(timeout=HANG), weft.Cancelled)


def add_tests() -> None:
    def few(name: str) -> Callable[[Kinds], None]:
        def test(self: Kinds) -> None:
            self.cut(KINDS[name], FEW)
            self.cut_one_by_one(KINDS[name], FEW)

        return test

    def mass(name: str) -> Callable[[Kinds], None]:
        def test(self: Kinds) -> None:
            raise_file_limit(8 * MASS)
            self.cut(MASSES[name], MASS)

        return test

    for name in KINDS:
        setattr(Kinds, f"test_few_{name}", few(name))
    for name in MASSES:
        setattr(Kinds, f"test_mass_{name}", mass(name))


add_tests()

_RESOLVER = """
import socket, sys, time
sys.path.insert(0, {here!r})
from test_cancel_calls import FEW, MASS, Kinds
from support import wait_until
import contextlib
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))  # takes questions, never answers

@contextlib.contextmanager
def getaddrinfo():
    yield lambda: socket.getaddrinfo("name.invalid", 80)

case = Kinds()
case.cut(getaddrinfo, FEW)
case.cut_one_by_one(getaddrinfo, FEW)
case.cut(getaddrinfo, MASS)
print("done", flush=True)
import os
os._exit(0)
"""


class Resolver(Case):
    def test_getaddrinfo(self) -> None:
        """In a mount namespace of its own, where the name server is one that never answers."""
        here = os.path.dirname(os.path.abspath(__file__))
        code = _RESOLVER.format(here=here)
        script = (
            'f=$(mktemp) && printf "nameserver 127.0.0.1\\noptions timeout:25 attempts:1\\n" > $f'
            ' && mount --bind $f /etc/resolv.conf || exit 77; exec "$@"'
        )
        try:
            result = subprocess.run(
                ["unshare", "-mn", "sh", "-c", "ip link set lo up;" + script, "sh"]
                + [sys.executable, "-X", "faulthandler", "-c", code],
                capture_output=True,
                text=True,
                timeout=2 * HANG,
                env=environment() | {"PYTHONPATH": os.pathsep.join([PACKAGE, here])},
                check=False,
            )
        except FileNotFoundError:
            self.skipTest("needs the unshare program")
        if result.returncode in (1, 77) and "Traceback" not in result.stderr:
            self.skipTest(f"cannot make a namespace: {result.stderr.strip()}")
        self.assertEqual((result.stdout, result.returncode), ("done\n", 0), result.stderr)


class Races(Case):
    """Cancels that meet something else."""

    def test_cleanup_may_wait_in_a_shield(self) -> None:
        cleaned = 0

        def work() -> None:
            nonlocal cleaned
            try:
                time.sleep(1000)
            finally:
                with weft.shield(grace=HANG):
                    time.sleep(0.01)
                    cleaned += 1

        with weft.create_task_group() as group:
            for _ in range(50):
                group.start_soon(work)()
            time.sleep(0.01)
            group.cancel()
        self.assertEqual(cleaned, 50)

    def test_cleanup_without_a_shield_is_cut(self) -> None:
        cut = []

        def work() -> None:
            try:
                time.sleep(1000)
            finally:
                try:
                    time.sleep(1000)
                except weft.Cancelled:
                    cut.append(1)

        with weft.create_task_group() as group:
            group.start_soon(work)()
            time.sleep(0.01)
            group.cancel()
        self.assertEqual(cut, [1])

    def test_condition_rlock_contended(self) -> None:
        """All wake at once and take the lock again one after the other: that wait is not cut."""
        c = threading.Condition()
        inside = most = 0

        def work() -> None:
            nonlocal inside, most
            with c:
                try:
                    c.wait()
                finally:
                    inside += 1
                    most = max(most, inside)
                    with weft.shield():
                        time.sleep(0.001)
                    inside -= 1

        for kind in (threading.RLock, threading.Lock):
            c = threading.Condition(kind())
            with weft.create_task_group() as group:
                tasks = [group.start_soon(work)() for _ in range(50)]
                time.sleep(0.02)
                group.cancel()
            self.assertEqual({t.status for t in tasks}, {"cancelled"})
            self.assertEqual(most, 1)

    def test_a_cancelled_waiter_eats_no_notify(self) -> None:
        """No getter waits while there is something in the queue."""
        for _ in range(30):
            q: queue.Queue[int] = queue.Queue()
            with weft.create_task_group() as group:
                tasks = [group.start_soon(q.get)() for _ in range(20)]
                time.sleep(0.002)
                for i, task in enumerate(tasks):
                    if i % 2:
                        q.put(i)
                    else:
                        task.cancel()
                wait_until(lambda: all(t.done() for t in tasks[::2]))
                wait_until(lambda: q.empty() or all(t.done() for t in tasks))
                group.cancel()
            got = sum(t.status == "done" for t in tasks)
            self.assertEqual(got + q.qsize(), 10)

    def test_thread_start_is_whole(self) -> None:
        """A cancelled fiber that starts a thread leaves no thread that it does not know of."""
        ran: list[int] = []

        def work() -> None:
            thread = threading.Thread(target=ran.append, args=(1,))
            thread.start()
            with weft.shield():
                thread.join()

        with weft.create_task_group() as group:
            group.cancel()
            with weft.shield(), weft.create_task_group() as inner:
                token = weft.current_token()
                tasks = [inner.start_soon(work)() for _ in range(20)]
                inner.start_soon(token.cancel)()
        done = sum(t.status == "done" for t in tasks)
        self.assertGreaterEqual(len(ran), done)

    def test_executor_survives(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:

            def ask() -> int:
                return pool.submit(lambda: time.sleep(0.001) or 1).result()

            for _ in range(10):
                with weft.create_task_group() as group:
                    for _ in range(20):
                        group.start_soon(ask)()
                    time.sleep(0.002)
                    group.cancel()
            self.assertEqual(pool.submit(lambda: 7).result(timeout=HANG), 7)

    def test_import_of_a_slow_module(self) -> None:
        """Cancelled importers leave the import lock usable."""
        import importlib
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            name = "weft_slow_module"
            with open(os.path.join(folder, name + ".py"), "w") as file:
                file.write("import time\ntime.sleep(0.05)\nvalue = 1\n")
            sys.path.insert(0, folder)
            try:
                with weft.create_task_group() as group:
                    tasks = [group.start_soon(importlib.import_module)(name) for _ in range(10)]
                    time.sleep(0.01)
                    for task in tasks[1:]:
                        task.cancel()
                with weft.fail_after(HANG):
                    self.assertEqual(importlib.import_module(name).value, 1)
            finally:
                sys.path.remove(folder)
                sys.modules.pop(name, None)

    def test_popen_is_whole(self) -> None:
        """A Popen that is cut while it starts leaves no child that nobody waits for."""
        with weft.create_task_group() as group:

            def work() -> None:
                with subprocess.Popen(["true"]) as child:
                    started.append(child.pid)

            started: list[int] = []
            for _ in range(20):
                group.start_soon(work)()
            group.cancel()
        for pid in started:
            self.assertGreater(pid, 0)

    def test_os_error_from_c(self) -> None:
        """Whatever a library makes of a cut call, the fiber ends and its scope absorbs it."""
        with weft.move_on_after(0.01) as scope:
            while True:
                try:
                    socket.create_server(("127.0.0.1", 0)).accept()
                except OSError:
                    pass
        self.assertTrue(scope.cancelled_caught)


if __name__ == "__main__":
    unittest.main()
