"""weft: plain blocking code that runs concurrently, is owned, and can be cancelled.

    import weft
    weft.init()

    with weft.create_task_group() as group:          # nobody leaves before the tasks have ended
        a = group.start_soon(fetch)("https://a")     # fetch is an ordinary function
        b = group.start_soon(fetch)("https://b")
    print(a.result(), b.result())

What is safe with threads is safe with weft. A fiber switches where a thread could block, and
nowhere else. The guide is docs/python.md.
"""

from weft._cancel import Cancelled, Reason
from weft._group import TaskGroup, create_task_group
from weft._runtime import WeftError, init
from weft._scope import (
    CancelScope,
    Token,
    checkpoint,
    current_token,
    fail_after,
    fail_at,
    move_on_after,
    move_on_at,
    shield,
)
from weft._task import Service, Started, Status, Task, TaskCancelled

__version__ = "0.1.0"

__all__ = [
    "CancelScope",
    "Cancelled",
    "Reason",
    "Service",
    "Started",
    "Status",
    "Task",
    "TaskCancelled",
    "TaskGroup",
    "Token",
    "WeftError",
    "checkpoint",
    "create_task_group",
    "current_token",
    "fail_after",
    "fail_at",
    "init",
    "move_on_after",
    "move_on_at",
    "shield",
]
