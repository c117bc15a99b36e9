"""A TCP server as the first lesson on sockets has it: accept, receive, send, all blocking.

    ./dev python examples/echo_server.py

Each connection has a fiber, so each is served, though none of the code knows about the others. A
hundred clients talk to it, also in fibers; then the group is cancelled, which ends `accept`.
"""

import weft

weft.init()

import socket

CLIENTS = 100
LINES = 20


def serve(listener: socket.socket, group: weft.TaskGroup) -> None:
    """Give each connection a fiber of the group."""
    try:
        while True:
            connection, _ = listener.accept()
            group.start_soon(echo)(connection)
    finally:
        print("the server was cancelled and stops")


def echo(connection: socket.socket) -> None:
    """Send back what comes, in capitals, until the client closes."""
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data.upper())


def client(name: str, address: tuple[str, int]) -> int:
    """Say some lines and count the answers that are right."""
    right = 0
    with socket.create_connection(address) as connection, connection.makefile() as answers:
        for n in range(LINES):
            line = f"{name} says {n}\n"
            connection.sendall(line.encode())
            right += answers.readline() == line.upper()
    return right


def main() -> None:
    """Serve a hundred clients."""
    with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS) as listener:
        with weft.create_task_group() as server:
            server.start_soon(serve)(listener, server)
            with weft.create_task_group() as clients:
                talks = [
                    clients.start_soon(client)(f"client {n}", listener.getsockname())
                    for n in range(CLIENTS)
                ]
            right = sum(talk.result() for talk in talks)
            print(f"{CLIENTS} clients at once, {right} of {CLIENTS * LINES} answers are right")
            server.cancel("all clients were served")


if __name__ == "__main__":
    main()
