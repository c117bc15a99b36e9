"""Ctrl-C and sys.exit: the whole tree unwinds, and the program ends as it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest

import weft
from support import HANG, Case, environment, python


def interrupted(code: str, *pauses: float) -> tuple[int, str, str]:
    """Run a program; send it SIGINT when it has printed `ready`, and again after each pause."""
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line == "ready\n", process.stderr and process.stderr.read()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        for pause in pauses:
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


PROLOGUE = """
import os, sys, threading, time, weft
weft.init()
def work(i):
    try:
        time.sleep(1000)
    finally:
        os.write(1, b"unwound %d\\n" % i)  # in one piece
def ready():
    time.sleep(0.05)
    print("ready", flush=True)
"""


class Interrupt(Case):
    def check_unwound(self, body: str) -> None:
        code, out, err = interrupted(PROLOGUE + textwrap.dedent(body))
        self.assertEqual(code, -signal.SIGINT, err)
        self.assertTrue(err.rstrip().endswith("KeyboardInterrupt"), err)
        self.assertNotIn("ExceptionGroup", err)
        self.assertEqual(sorted(out.split("\n"))[1:], [f"unwound {i}" for i in range(3)], err)

    def test_main_in_the_body(self) -> None:
        self.check_unwound(
            """
            with weft.create_task_group() as group:
                for i in range(3): group.start_soon(work)(i)
                ready()
                time.sleep(1000)
            """
        )

    def test_main_joining(self) -> None:
        self.check_unwound(
            """
            with weft.create_task_group() as group:
                for i in range(3): group.start_soon(work)(i)
                ready()
            """
        )

    def test_main_waiting_for_a_result(self) -> None:
        self.check_unwound(
            """
            with weft.create_task_group() as group:
                tasks = [group.start_soon(work)(i) for i in range(3)]
                ready()
                tasks[0].result()
            """
        )

    def test_a_deep_tree(self) -> None:
        self.check_unwound(
            """
            def tree(depth, i):
                if depth == 0: return work(i)
                with weft.create_task_group() as group:
                    group.start_soon(tree)(depth - 1, i)
            with weft.create_task_group() as group:
                for i in range(3): group.start_soon(tree)(5, i)
                ready()
            """
        )

    def test_caught_by_the_program(self) -> None:
        """After it was caught, the program goes on and may wait again."""
        code, out, err = interrupted(
            PROLOGUE
            + textwrap.dedent(
                """
                try:
                    with weft.create_task_group() as group:
                        for i in range(3): group.start_soon(work)(i)
                        ready()
                except KeyboardInterrupt:
                    time.sleep(0.01)
                    with weft.create_task_group() as group:
                        group.start_soon(time.sleep)(0.01)
                    print("went on")
                """
            )
        )
        self.assertEqual(code, 0, err)
        self.assertEqual(out.splitlines()[-1], "went on")

    def test_errors_of_children_are_shown_too(self) -> None:
        code, _, err = interrupted(
            PROLOGUE
            + textwrap.dedent(
                """
                def stubborn():
                    try: time.sleep(1000)
                    finally: raise ValueError("in cleanup")
                with weft.create_task_group() as group:
                    group.start_soon(stubborn)()
                    ready()
                """
            )
        )
        self.assertEqual(code, -signal.SIGINT, err)
        self.assertIn("in cleanup", err)

    def test_a_second_one_kills(self) -> None:
        code, out, err = interrupted(
            PROLOGUE
            + textwrap.dedent(
                """
                def stubborn():
                    with weft.shield():
                        time.sleep(1000)
                with weft.create_task_group() as group:
                    group.start_soon(stubborn)()
                    ready()
                """
            ),
            0.3,
        )
        self.assertEqual((code, out), (-signal.SIGINT, ""), err)
        self.assertNotIn("Traceback", err)

    def test_the_users_own_handler_is_left_alone(self) -> None:
        code, out, err = interrupted(
            PROLOGUE
            + textwrap.dedent(
                """
                import signal
                stop = threading.Event()
                signal.signal(signal.SIGINT, lambda *a: stop.set())
                with weft.create_task_group() as group:
                    for i in range(3): group.start_soon(work)(i)
                    ready()
                    stop.wait()
                    group.cancel("asked to")
                print("calmly")
                """
            )
        )
        self.assertEqual((code, out.splitlines()[-1]), (0, "calmly"), err)

    def test_a_handler_that_raises_while_joining(self) -> None:
        code, out, err = interrupted(
            PROLOGUE
            + textwrap.dedent(
                """
                import signal
                class Stop(Exception): pass
                def handler(*a): raise Stop
                signal.signal(signal.SIGINT, handler)
                try:
                    with weft.create_task_group() as group:
                        for i in range(3): group.start_soon(work)(i)
                        ready()
                except ExceptionGroup as error:
                    print([type(e).__name__ for e in error.exceptions])
                """
            )
        )
        self.assertEqual((code, out.splitlines()[-1]), (0, "['Stop']"), err)


class Exit(Case):
    def exits(self, code: str, status: int) -> subprocess.CompletedProcess[str]:
        result = python(PROLOGUE + textwrap.dedent(code))
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        return result

    def test_in_a_task(self) -> None:
        result = self.exits(
            """
            with weft.create_task_group() as group:
                for i in range(3): group.start_soon(work)(i)
                time.sleep(0.01)
                group.start_soon(sys.exit)(7)
                time.sleep(1000)
            print("not reached")
            """,
            7,
        )
        self.assertEqual(sorted(result.stdout.split("\n"))[1:], [f"unwound {i}" for i in range(3)])

    def test_in_a_grandchild(self) -> None:
        self.exits(
            """
            def tree(depth):
                if depth == 0: sys.exit(3)
                with weft.create_task_group() as group:
                    group.start_soon(tree)(depth - 1)
                    group.start_soon(time.sleep)(1000)
            with weft.create_task_group() as group:
                group.start_soon(tree)(4)
            """,
            3,
        )

    def test_in_a_group_of_a_thread(self) -> None:
        self.exits(
            """
            def thread():
                with weft.create_task_group() as group:
                    group.start_soon(sys.exit)(6)
            threading.Thread(target=thread).start()
            time.sleep(1000)
            """,
            6,
        )

    def test_in_a_coroutine(self) -> None:
        self.exits(
            """
            async def leave(): sys.exit(4)
            with weft.create_task_group() as group:
                group.start_soon(leave)()
            """,
            4,
        )

    def test_in_the_body(self) -> None:
        self.exits(
            """
            with weft.create_task_group() as group:
                group.start_soon(work)(0)
                time.sleep(0.01)
                sys.exit(5)
            """,
            5,
        )

    def test_with_a_message(self) -> None:
        result = self.exits(
            """
            with weft.create_task_group() as group:
                group.start_soon(sys.exit)("bye")
            """,
            1,
        )
        self.assertEqual(result.stderr, "bye\n")

    def test_caught_it_is_over(self) -> None:
        result = self.exits(
            """
            try:
                with weft.create_task_group() as group:
                    group.start_soon(sys.exit)(9)
            except SystemExit as error:
                time.sleep(0.01)
                print("caught", error.code)
            """,
            0,
        )
        self.assertEqual(result.stdout, "caught 9\n")

    def test_other_errors_stay_visible(self) -> None:
        result = self.exits(
            """
            def stubborn():
                try: time.sleep(1000)
                finally: raise ValueError("in cleanup")
            try:
                with weft.create_task_group() as group:
                    group.start_soon(stubborn)()
                    time.sleep(0.01)
                    group.start_soon(sys.exit)(9)
            except SystemExit as error:
                print(repr(error.__context__.exceptions[0]))
            """,
            0,
        )
        self.assertEqual(result.stdout, "ValueError('in cleanup')\n")

    def test_end_of_main_with_threads_parked(self) -> None:
        self.exits(
            """
            for _ in range(20):
                threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            time.sleep(0.01)
            """,
            0,
        )

    def test_non_daemon_threads_are_waited_for(self) -> None:
        result = self.exits(
            """
            def late():
                time.sleep(0.1)
                print("late")
            threading.Thread(target=late).start()
            """,
            0,
        )
        self.assertEqual(result.stdout, "late\n")

    def test_atexit(self) -> None:
        result = self.exits(
            """
            import atexit
            @atexit.register
            def last():
                time.sleep(0.01)
                print("last")
            """,
            0,
        )
        self.assertEqual(result.stdout, "last\n")


class InProcess(Case):
    def test_interrupt_from_a_task(self) -> None:
        with self.assertRaises(KeyboardInterrupt), weft.create_task_group() as group:
            group.start_soon(os.kill)(os.getpid(), signal.SIGINT)
            time.sleep(1000)
        time.sleep(0.001)

    def test_kill_from_a_task(self) -> None:
        seen: list[int] = []
        old = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        try:
            with weft.create_task_group() as group:
                group.start_soon(os.kill)(os.getpid(), signal.SIGUSR1)
                group.start_soon(time.sleep)(0.02)
        finally:
            signal.signal(signal.SIGUSR1, old)
        self.assertEqual(seen, [signal.SIGUSR1])


if __name__ == "__main__":
    unittest.main()
