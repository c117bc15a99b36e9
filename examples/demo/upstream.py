"""The slow side of the demo's web: answers each page after a delay, as a distant server would.

nginx stands in front of it and talks to the clients; this is plain HTTP/1.0 in asyncio. The delays
are spread as a network's are, half of them short and few long, and drawn from a seeded generator:
every run waits the same time for the same page.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable

SHORTEST, USUAL, LONGEST = 0.05, 0.25, 2.0  # seconds
SPREAD = 0.8  # of the logarithm: one page in twenty takes four times the usual delay
BACKLOG = 4096  # connections that may arrive in one burst

PAGE = "<!doctype html><title>Page {n}</title><h1>Page {n}</h1>\n{text}\n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def delay(n: int, seed: int) -> float:
    """How long page `n` takes."""
    drawn = random.Random(f"{seed}/{n}").lognormvariate(math.log(USUAL), SPREAD)
    return min(max(drawn, SHORTEST), LONGEST)


def page(n: int) -> bytes:
    """The text of page `n`: one to eight kilobytes."""
    lines = 16 + n * 37 % 112
    return PAGE.format(
        n=n, text=f"<p>This is line after line of page {n} of the demo.</p>\n" * lines
    ).encode()


async def answer(path: str, seed: int, client: asyncio.StreamReader) -> tuple[str, bytes]:
    """The status and the body for `path`, when its time has come."""
    if path == "/hang":
        await client.read()  # until the client gives up
    if path == "/broken":
        await asyncio.sleep(USUAL)
        return "500 Internal Server Error", b"this page is broken on purpose\n"
    number = path.removeprefix("/page/")
    if path == number or not number.isdigit():
        return "404 Not Found", b"no such page\n"
    await asyncio.sleep(delay(int(number), seed))
    return "200 OK", page(int(number))


def handler(seed: int) -> Handler:
    """The function that serves one connection: one request, one answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, body = await answer(head.split(b" ", 2)[1].decode("ascii"), seed, reader)
            fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.0 {status}\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left before its answer came
        finally:
            writer.close()

    return serve


async def start(seed: int) -> tuple[asyncio.Server, int]:
    """Listen on a free port of the loopback; return the server and its port."""
    server = await asyncio.start_server(handler(seed), "127.0.0.1", 0, backlog=BACKLOG)
    port: int = server.sockets[0].getsockname()[1]
    return server, port
