"""fork, subprocess and multiprocessing, from the main fiber and from a task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import unittest
import warnings
from collections.abc import Callable

import weft
from support import HANG, Case, python

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def in_task(call: Callable[[], object]) -> object:
    with weft.create_task_group() as group:
        task = group.start_soon(call)()
    return task.result()


def square(x: int) -> int:
    time.sleep(0.001)
    return x * x


def fork_and_run(child: Callable[[], int]) -> int:
    """Fork; return the exit status of the child, which runs `child` and ends."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            signal.alarm(30)
            status = child()
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class Fork(Case):
    def both(self, child: Callable[[], int], status: int) -> None:
        self.assertEqual(fork_and_run(child), status)
        self.assertEqual(in_task(lambda: fork_and_run(child)), status)

    def test_plain(self) -> None:
        self.both(lambda: 5, 5)

    def test_waits_work_in_the_child(self) -> None:
        def child() -> int:
            time.sleep(0.01)
            threading.Event().wait(0.01)
            return 6

        self.both(child, 6)

    def test_a_new_group_in_the_child(self) -> None:
        def child() -> int:
            with weft.create_task_group() as group:
                tasks = [group.start_soon(square)(i) for i in range(5)]
            return sum(t.result() for t in tasks)

        self.both(child, 30)

    def test_threads_in_the_child(self) -> None:
        def child() -> int:
            found: list[int] = []
            threads = [threading.Thread(target=lambda i=i: found.append(i)) for i in range(5)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            return len(found)

        self.both(child, 5)

    def test_the_siblings_stay_behind(self) -> None:
        ran: list[int] = []

        def sibling() -> None:
            while True:
                ran.append(1)
                time.sleep(0.001)

        def child() -> int:
            before = len(ran)
            time.sleep(0.02)
            return 0 if len(ran) == before else 1

        with weft.create_task_group() as group:
            for _ in range(10):
                group.start_soon(sibling)()
            time.sleep(0.01)
            self.assertEqual(fork_and_run(child), 0)
            self.assertEqual(group.start_soon(fork_and_run)(child).result(), 0)
            group.cancel()

    def test_what_is_from_before(self) -> None:
        with weft.create_task_group() as group:
            task = group.start_soon(time.sleep)(1000)
            done = group.start_soon(square)(2)
            done.result()

            def child() -> int:
                def refused(call: Callable[[], object]) -> bool:
                    try:
                        call()
                    except weft.WeftError as error:
                        return error.name == "WEFT_EFORKED"
                    return False

                results = [
                    refused(lambda: group.start_soon(square)(1)),
                    refused(lambda: group.cancel()),
                    refused(lambda: task.result()),
                    refused(lambda: task.cancel()),
                    refused(lambda: group.__exit__(None, None, None)),
                    done.result() == 4,
                ]
                return 0 if all(results) else 1 + results.index(False)

            self.assertEqual(fork_and_run(child), 0)
            task.cancel()

    def test_a_block_left_by_an_exit_in_the_child(self) -> None:
        result = python(
            """
            import os, sys, weft
            weft.init()
            def work():
                pid = os.fork()
                if pid == 0:
                    sys.exit(3)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with weft.create_task_group() as group:
                pid = os.fork()
                if pid == 0:
                    sys.exit(4)
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """
        )
        self.assertEqual((result.stdout, result.returncode), ("4\n", 0), result.stderr)

    def test_a_child_that_returns_from_its_task(self) -> None:
        """It ends as a process does whose last thread ends."""

        def work() -> int:
            pid = os.fork()
            if pid == 0:
                time.sleep(0.01)
                return 0
            return os.waitpid(pid, 0)[1]

        self.assertEqual(in_task(work), 0)

    def test_fork_in_fork(self) -> None:
        def child() -> int:
            return 1 + fork_and_run(lambda: 1 + fork_and_run(lambda: 1))

        self.both(child, 3)

    def test_many_at_once(self) -> None:
        def child() -> int:
            time.sleep(0.005)
            return 7

        with weft.create_task_group() as group:
            tasks = [group.start_soon(fork_and_run)(child) for _ in range(20)]
        self.assertEqual({t.result() for t in tasks}, {7})


class Subprocess(Case):
    def test_run(self) -> None:
        def run() -> str:
            command = ["sh", "-c", "echo out; echo err >&2; cat"]
            result = subprocess.run(
                command, input="in", capture_output=True, text=True, check=True, timeout=HANG
            )
            return result.stdout + result.stderr

        self.assertEqual(run(), "out\ninerr\n")
        self.assertEqual(in_task(run), "out\ninerr\n")

    def test_they_overlap(self) -> None:
        begin = time.monotonic()
        with weft.create_task_group() as group:
            for _ in range(20):
                group.start_soon(subprocess.run)(["sleep", "0.5"], check=True)
        self.assertLess(time.monotonic() - begin, 5.0)

    def test_timeout(self) -> None:
        def run() -> bool:
            try:
                subprocess.run(["sleep", "1000"], timeout=0.05)
            except subprocess.TimeoutExpired:
                return True
            return False

        self.assertTrue(run())
        self.assertTrue(in_task(run))

    def test_signals_and_handlers_are_not_inherited(self) -> None:
        code = (
            "from signal import *; plain = (SIG_DFL, SIG_IGN, None);"
            "print([s for s in valid_signals() if getsignal(s) not in plain])"
        )
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        self.assertEqual(out.stdout.strip(), f"[{signal.SIGINT!r}]")

    def test_system_and_popen(self) -> None:
        def run() -> tuple[int, str]:
            with os.popen("echo hello") as pipe:
                text = pipe.read()
            return os.waitstatus_to_exitcode(os.system("exit 3")), text

        self.assertEqual(run(), (3, "hello\n"))
        self.assertEqual(in_task(run), (3, "hello\n"))

    def test_preexec(self) -> None:
        def run() -> int:
            return subprocess.run(["true"], preexec_fn=lambda: None).returncode

        self.assertEqual(run(), 0)
        self.assertEqual(in_task(run), 0)


_MULTIPROCESSING = """
import multiprocessing, sys, time, weft

def square(x):
    time.sleep(0.001)
    return x * x

def talk(connection, queue, event):
    connection.send(connection.recv() + 1)
    queue.put(3)
    event.wait()

def use(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(square, range(10)) == [x * x for x in range(10)]
    ours, theirs = context.Pipe()
    queue, event = context.Queue(), context.Event()
    process = context.Process(target=talk, args=(theirs, queue, event))
    process.start()
    ours.send(1)
    assert ours.recv() == 2
    assert queue.get() == 3
    event.set()
    process.join()
    assert process.exitcode == 0, process.exitcode
    queue.close()
    queue.join_thread()

if __name__ == "__main__":
    weft.init()
    method, where = sys.argv[1:]
    if where == "main":
        use(method)
    else:
        with weft.create_task_group() as group:
            group.start_soon(use)(method)
    print("done")
"""


class Multiprocessing(Case):
    def check(self, method: str, where: str) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "program.py")
            with open(file, "w") as f:
                f.write(textwrap.dedent(_MULTIPROCESSING))
            from support import environment

            result = subprocess.run(
                [sys.executable, "-X", "faulthandler", file, method, where],
                capture_output=True,
                text=True,
                timeout=HANG,
                env=environment(),
            )
        self.assertEqual((result.stdout, result.returncode), ("done\n", 0), result.stderr)

    def test_fork_from_main(self) -> None:
        self.check("fork", "main")

    def test_fork_from_a_task(self) -> None:
        self.check("fork", "task")

    def test_spawn_from_main(self) -> None:
        self.check("spawn", "main")

    def test_spawn_from_a_task(self) -> None:
        self.check("spawn", "task")

    def test_forkserver_from_main(self) -> None:
        self.check("forkserver", "main")

    def test_forkserver_from_a_task(self) -> None:
        self.check("forkserver", "task")

    def test_cancelled_wait_for_a_process(self) -> None:
        context = multiprocessing.get_context("fork")
        process = context.Process(target=time.sleep, args=(1000,))
        process.start()
        with weft.move_on_after(0.05) as scope:
            process.join()
        self.assertTrue(scope.cancelled_caught)
        self.assertTrue(process.is_alive())
        process.kill()
        process.join()

    def test_cancelled_condition(self) -> None:
        """The wait for a process-shared condition takes the lock again before it raises."""
        condition = multiprocessing.get_context("fork").Condition()

        def wait() -> None:
            with condition:
                condition.wait()

        with weft.create_task_group() as group:
            for _ in range(10):
                group.start_soon(wait)()
            time.sleep(0.05)
            group.cancel()
        self.assertTrue(condition.acquire(timeout=HANG))
        condition.release()


if __name__ == "__main__":
    unittest.main()
