"""The slow side of the demo's web: answers each page after a delay, as a distant server would.

nginx stands in front of it and talks to the clients; this is plain HTTP/1.0 in asyncio. The delays
are spread as a network's are, few of them long, and drawn from a seeded generator:
every run waits the same time for the same page.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

# Seconds a page takes. A slow site: a thousand requests cost a client about two seconds of CPU, and
# none may be over before the last has begun, or they would not all be under way at once.
USUAL = 2.8
SHORTEST, LONGEST = 0.8, 1.8  # times the usual
SPREAD = 0.2  # of the logarithm: one page in twenty takes half as long again
SEED = 1
BACKLOG = 4096  # connections that may arrive in one burst

PAGE = "<!doctype html><title>Page {n}</title><h1>Page {n}</h1>\n{text}\n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def delay(n: int, usual: float) -> float:
    """How long page `n` takes, where most take about `usual`."""
    drawn = random.Random(f"{SEED}/{n}").lognormvariate(0, SPREAD)
    return usual * min(max(drawn, SHORTEST), LONGEST)


def page(n: int) -> bytes:
    """The text of page `n`: one to eight kilobytes."""
    lines = 16 + n * 37 % 112
    return PAGE.format(
        n=n, text=f"<p>This is line after line of page {n} of the demo.</p>\n" * lines
    ).encode()


async def answer(path: str, usual: float, client: asyncio.StreamReader) -> tuple[str, bytes]:
    """The status and the body for `path`, when its time has come."""
    if path == "/hang":
        await client.read()  # until the client gives up
    if path == "/broken":
        await asyncio.sleep(usual)
        return "500 Internal Server Error", b"this page is broken on purpose\n"
    number = path.removeprefix("/page/")
    if path == number or not number.isdigit():
        return "404 Not Found", b"no such page\n"
    await asyncio.sleep(delay(int(number), usual))
    return "200 OK", page(int(number))


def handler(usual: float) -> Handler:
    """The function that serves one connection: one request, one answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, body = await answer(head.split(b" ", 2)[1].decode("ascii"), usual, reader)
            fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.0 {status}\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left before its answer came
        finally:
            writer.close()

    return serve


async def start(usual: float) -> tuple[asyncio.Server, int]:
    """Listen on a free port of the loopback; return the server and its port."""
    server = await asyncio.start_server(handler(usual), "127.0.0.1", 0, backlog=BACKLOG)
    port: int = server.sockets[0].getsockname()[1]
    return server, port
