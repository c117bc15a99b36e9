"""A producer, a `queue.Queue`, and a pool of workers that never runs more than four at once.

    ./dev python examples/pipeline.py

`queue`, `time.sleep` and `threading.Lock` are the standard library's own: in a fiber they park the
fiber. `limit=` turns a task group into a pool; who leaves the block knows that all work is done.
"""

import weft

weft.init()

import queue
import threading
import time

JOBS = 20
WORKERS = 4
TIME = 0.1  # seconds that a job takes


class Gauge:
    """How many are in the room, and how many were at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def produce(todo: queue.Queue[int | None]) -> None:
    """Put the jobs in the queue; None says that there are no more."""
    for job in range(JOBS):
        todo.put(job)  # waits while the queue is full
    todo.put(None)


def work(job: int, room: Gauge) -> int:
    """Something that takes its time."""
    with room:
        time.sleep(TIME)
        return job * job


def main() -> None:
    """Run all jobs and add up their results."""
    todo: queue.Queue[int | None] = queue.Queue(maxsize=2)
    room = Gauge()
    start = time.monotonic()
    with weft.create_task_group() as group:
        group.start_soon(produce)(todo)
        with weft.create_task_group(limit=WORKERS) as pool:
            results = [pool.start_soon(work)(job, room) for job in iter(todo.get, None)]
    took = time.monotonic() - start
    print(f"{JOBS} jobs of {TIME} s in {took:.1f} s, at most {room.most} at once")
    print(f"sum of the squares below {JOBS}: {sum(result.result() for result in results)}")


if __name__ == "__main__":
    main()
