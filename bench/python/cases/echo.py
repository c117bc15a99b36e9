"""Echo servers. Each tells its port and serves until it is killed.

They are the other half of ../../load/echo.c, which keeps one request under way on each connection
and reads this process's CPU clock before and after.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from cases import peer

if TYPE_CHECKING:
    import asyncio

    import trio

LOOPBACK = "127.0.0.1"
BACKLOG = 1024
LARGEST = 4096


def announce(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


def echo(connection: socket.socket) -> None:
    """Blocking style: what weft, gevent and threads all run for each connection."""
    with connection:
        while data := connection.recv(LARGEST):
            connection.sendall(data)


def accept_all(start: Callable[[socket.socket], object]) -> None:
    with socket.create_server((LOOPBACK, 0), backlog=BACKLOG) as listener:
        announce(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            start(connection)


def in_weft(_: int) -> None:
    import weft

    with weft.create_task_group() as group:
        accept_all(lambda connection: group.start_soon(echo)(connection))


def in_gevent(_: int) -> None:
    import gevent

    accept_all(lambda connection: gevent.spawn(echo, connection))


def threads(_: int) -> None:
    def start(connection: socket.socket) -> None:
        threading.Thread(target=echo, args=(connection,), daemon=True).start()

    accept_all(start)


def in_asyncio(_: int) -> None:
    """Streams: as near as asyncio comes to blocking style."""
    import asyncio

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LARGEST):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, LOOPBACK, 0, backlog=BACKLOG)
        announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    peer.run(main())


def protocol(_: int) -> None:
    """asyncio's callbacks: no style of blocking, but the fastest that its loops have."""
    import asyncio

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.Transport", transport)

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, LOOPBACK, 0, backlog=BACKLOG)
        announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    peer.run(main())


def in_trio(_: int) -> None:
    import trio

    async def serve(stream: trio.SocketStream) -> None:
        while data := await stream.receive_some(LARGEST):
            await stream.send_all(data)

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host=LOOPBACK, backlog=BACKLOG)
        announce(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(serve, listeners)

    trio.run(main)
