# For test_typing.py: each line marked `# E` is a type error, no other line may be.
import functools
from typing import assert_type

import weft


def worker(name: str, url: str, *, retries: int = 3) -> int:
    return len(name) + len(url) + retries


async def aworker(name: str, url: str) -> bytes:
    return (name + url).encode()


def serve(started: weft.Started[int], host: str, port: int = 0) -> None:
    started(8080)


async def aserve(started: weft.Started[str], host: str) -> bytes:
    started(host)
    return b""


class C:
    def m(self, x: int) -> str:
        return str(x)

    @classmethod
    def c(cls, x: int) -> "C":
        return cls()

    def __call__(self, y: bytes) -> float:
        return 1.0


with weft.create_task_group(limit=8, name="g") as tg:
    a = tg.start_soon(worker)("w1", "https://a", retries=5)
    b = tg.start_soon(aworker, name="b")("w3", url="https://c")
    c = tg.start_soon(C().m)(3)
    d = tg.start_soon(print)("x", sep="")
    e = tg.start_soon(functools.partial(worker, "n"))("u")
    f = tg.start_soon(lambda: 3)()
    g = tg.start_soon(C())(b"")
    h = tg.start_soon(C.c)(3)
    svc = tg.start(serve)("0.0.0.0", port=0)
    asvc = tg.start(aserve)("h")
    assert_type(svc.started, int)
    assert_type(asvc.started, str)
    assert_type(asvc.result(), bytes)
    tg.start_soon(worker)("w1")  # E: missing url
    tg.start_soon(worker)("w1", 3)  # E: int is not str
    tg.start_soon(worker)("w1", "u", retry=1)  # E: no such keyword
    tg.start_soon(aworker)(1, "u")  # E: int is not str
    tg.start(serve)(80)  # E: int is not str
# Names from inside the block are bound after it.
assert_type(a.result(), int)
assert_type(b.result(timeout=1), bytes)
assert_type(c.result(), str)
assert_type(d.result(), None)
assert_type(e.result(), int)
assert_type(f.result(), int)
assert_type(g.result(), float)
assert_type(h.result(), C)
assert_type(a.exception(), BaseException | None)
status: weft.Status = a.status
with weft.move_on_after(2.0) as s:
    a.cancel("bye")
assert_type(s.cancelled_caught, bool)
with weft.fail_after(2.0):
    x = len("abc")
assert_type(x, int)
with weft.shield(grace=3):
    y = str(3)
assert_type(y, str)


async def wait(t: weft.Task[int]) -> None:
    assert_type(await t, int)
