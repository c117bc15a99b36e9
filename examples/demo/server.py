"""A real web server on the loopback: nginx with TLS, and a slow upstream behind it.

`with Site() as site:` starts it in a process of its own and ends it with the block. That process
reads its standard input and ends at its end, so nginx goes when the demo goes, however it goes.
Started by hand, `python examples/demo/server.py` says where it listens and serves until Ctrl-C.
"""

import asyncio
import contextlib
import grp
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from types import TracebackType
from typing import Self

if __package__ in (None, ""):  # started as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo import upstream

ENOUGH_FILES = 65536
TRIES = 3  # another process may take a port between our choice and nginx's bind

NGINX = """\
daemon off;
{user}
pid nginx.pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{plain} backlog={backlog};
        listen 127.0.0.1:{tls} ssl backlog={backlog};
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_read_timeout 1h;
        }}
    }}
}}
"""

CERTIFICATE = """\
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


@contextlib.contextmanager
def holding_ctrl_c() -> Generator[None, None, None]:
    """Keep KeyboardInterrupt out of the block, until whatever it starts has an owner that ends it.

    For children in sessions of their own, which a Ctrl-C at the terminal does not reach.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class Site:
    """The server, as its user sees it. `url` speaks TLS, `plain` does not; `ca` verifies `url`."""

    def __init__(self, usual: float = upstream.USUAL) -> None:
        """A page takes `usual` seconds, or not much more or less."""
        self.url = self.plain = self.ca = ""
        self._usual = usual
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            with holding_ctrl_c():
                self._process = subprocess.Popen(
                    [sys.executable, __file__, "--until-eof", str(self._usual)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError("the demo's web server did not start")
            where = json.loads(line)
            self.url, self.plain, self.ca = where["url"], where["plain"], where["ca"]
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, et: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and wait until it is gone."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()  # tells it to end
        process.wait()
        process.stdout.close()


def certify(directory: Path) -> None:
    """Make a self-signed certificate for localhost, good for two days."""
    (directory / "openssl.cnf").write_text(CERTIFICATE)
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-config",
            "openssl.cnf",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=directory,
        check=True,
        stderr=subprocess.PIPE,
    )


def free_ports() -> tuple[int, int]:
    """Two ports of the loopback that nobody listens on just now."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def configure(directory: Path, plain: int, tls: int, behind: int) -> None:
    """Write nginx's configuration. Started by root its workers stay with root's files."""
    files = raise_file_limit()
    user = ""
    if os.geteuid() == 0:
        user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};"
    (directory / "nginx.conf").write_text(
        NGINX.format(
            user=user,
            files=files,
            connections=min(files, 16384),
            backlog=upstream.BACKLOG,
            plain=plain,
            tls=tls,
            upstream=behind,
        )
    )


def raise_file_limit() -> int:
    """Allow this process and its children as many open files as they may need; return the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = min(hard, ENOUGH_FILES) if hard != resource.RLIM_INFINITY else ENOUGH_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


async def answers(port: int, nginx: asyncio.subprocess.Process) -> bool:
    """Wait until nginx listens; False if it ended instead."""
    while nginx.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return True
    return False


@contextlib.asynccontextmanager
async def nginx_before(behind: int, directory: Path) -> AsyncGenerator[tuple[int, int], None]:
    """Run nginx in `directory`, before the upstream on port `behind`; gives its two ports."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        sys.exit("nginx is missing: apt-get install nginx-light")
    for _ in range(TRIES):
        plain, tls = free_ports()
        configure(directory, plain, tls, behind)
        nginx = await asyncio.create_subprocess_exec(
            program,
            "-p",
            str(directory),
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
            start_new_session=True,
        )
        try:
            if await answers(plain, nginx):
                yield plain, tls
                return
        finally:
            if nginx.returncode is None:
                nginx.terminate()
            await nginx.wait()
    sys.exit("nginx did not start")


def listen_for_the_end(until_eof: bool) -> asyncio.Event:
    """An event that a signal to end sets, or the end of standard input."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end.set)
    if until_eof:
        loop.add_reader(0, lambda: None if os.read(0, 4096) else end.set())
    return end


async def serve(until_eof: bool, usual: float) -> None:
    """Run the whole site until it is told to end."""
    end = listen_for_the_end(until_eof)
    with tempfile.TemporaryDirectory(prefix="weft-demo-") as name:
        directory = Path(name)
        certify(directory)
        server, behind = await upstream.start(usual)
        async with nginx_before(behind, directory) as (plain, tls):
            where = {
                "url": f"https://127.0.0.1:{tls}",
                "plain": f"http://127.0.0.1:{plain}",
                "ca": f"{name}/cert.pem",
            }
            print(json.dumps(where), flush=True)
            await end.wait()
        server.close()


if __name__ == "__main__":
    asyncio.run(
        serve("--until-eof" in sys.argv, float(sys.argv[2]) if len(sys.argv) > 2 else upstream.USUAL)
    )
