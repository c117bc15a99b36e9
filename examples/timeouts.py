"""Deadlines for code that has none: `move_on_after`, `fail_after`, `shield`, and a failing sibling.

    ./dev python examples/timeouts.py

The waits are an ordinary `sleep`, `recv` and `Event.wait` without a timeout. The deadline comes
from outside, and cuts them where they stand.
"""

import weft

weft.init()

import socket
import threading
import time


def move_on() -> None:
    """Give up quietly, and be told."""
    with weft.move_on_after(0.2) as scope:
        threading.Event().wait()
    print(f"move_on_after: the event never came, cut: {scope.cancelled_caught}")


def fail() -> None:
    """Give up with an exception."""
    here, there = socket.socketpair()
    with here, there:
        try:
            with weft.fail_after(0.2):
                here.recv(1)
        except TimeoutError:
            print("fail_after: nobody sent anything, TimeoutError")


def in_time() -> None:
    """A deadline that is kept costs nothing and changes nothing."""
    with weft.fail_after(5) as scope:
        time.sleep(0.1)
    print(f"fail_after: done in time, cut: {scope.cancelled_caught}")


def say_goodbye() -> None:
    """Cut code may clean up; where cleaning up must wait itself, it asks for the time it needs."""
    with weft.move_on_after(0.2):
        try:
            time.sleep(60)
        finally:
            with weft.shield(grace=1.0):
                time.sleep(0.1)
                print("shield: the goodbye was said after the deadline")


def siblings() -> None:
    """One child fails: the others are cut, and the error leaves the group with all the others."""

    def patient() -> None:
        try:
            time.sleep(60)
        finally:
            print("siblings: the patient one was cut")

    def hasty() -> None:
        time.sleep(0.1)
        raise ValueError("no such page")

    try:
        with weft.create_task_group() as group:
            group.start_soon(patient)()
            group.start_soon(hasty)()
    except* ValueError as errors:
        print(f"siblings: the group raised {errors.exceptions[0]!r}")


if __name__ == "__main__":
    start = time.monotonic()
    for show in (move_on, fail, in_time, say_goodbye, siblings):
        show()
    print(f"all of it took {time.monotonic() - start:.1f} s")
