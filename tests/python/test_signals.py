"""Real signals while fibers are being cut: their handlers run in the main fiber, as CPython says."""

from __future__ import annotations

import contextvars
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
from types import FrameType

from support import Case

import weft

SIGNALS = 300
FIBERS = 40

SENDER = """
import os, sys, time
for _ in range(int(sys.argv[2])):
    os.kill(int(sys.argv[1]), int(sys.argv[3]))
    time.sleep(0.002)
"""


class SignalsAmongCancels(Case):
    def test_handlers_run_in_main_only(self) -> None:
        """A cancelled fiber appears as the main thread for a moment; no signal may find it there."""
        where = contextvars.ContextVar("where", default="main")
        seen = {"main": 0, "fiber": 0}
        stop = threading.Event()
        lock = threading.Lock()
        cut = 0

        def handler(number: int, frame: FrameType | None) -> None:
            seen[where.get()] += 1

        def work(seed: int) -> None:
            nonlocal cut
            where.set("fiber")
            chance = random.Random(seed)
            while not stop.is_set():
                with weft.move_on_after(chance.random() * 0.002) as scope:
                    if seed % 3 == 0:
                        time.sleep(1)
                    elif seed % 3 == 1:
                        with lock:
                            time.sleep(0.0005)
                    else:
                        threading.Event().wait()
                cut += scope.cancelled_caught

        old = signal.signal(signal.SIGUSR1, handler)
        self.addCleanup(signal.signal, signal.SIGUSR1, old)
        arguments = [str(os.getpid()), str(SIGNALS), str(int(signal.SIGUSR1))]
        with weft.create_task_group() as group:
            for seed in range(FIBERS):
                group.start_soon(work)(seed)
            subprocess.run([sys.executable, "-c", SENDER, *arguments], check=True)
            stop.set()
        self.assertEqual(seen["fiber"], 0)
        self.assertGreater(seen["main"], 0)
        self.assertGreater(cut, SIGNALS, "hardly anything was cut: the test shows nothing")


if __name__ == "__main__":
    unittest.main()
