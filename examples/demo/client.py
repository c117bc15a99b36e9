"""One measured run, in a process of its own: `python -m demo.client WAY URL COUNT CA_FILE`.

WAY is weft, threads or one-by-one. Prints a line of JSON for each page as it ends, and one about
the whole process at the end. Only the way that uses weft imports it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pages import Visit

Crawl = Callable[[str, int, str, Callable[[Visit], None]], None]


def way(name: str) -> Crawl:
    """The program that fetches in the way called `name`."""
    if name == "weft":
        import fetch

        return fetch.crawl
    from demo import peers

    return {"threads": peers.threads, "one-by-one": peers.one_by_one}[name]


def peak_memory() -> int:
    """The most memory this process ever had resident, in bytes, as Linux counted it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def tell(told: dict[str, Any]) -> None:
    """Write one line. So short a one is never torn in a pipe, so this needs no lock."""
    os.write(1, json.dumps(told).encode() + b"\n")


def main(name: str, base: str, count: int, ca: str) -> None:
    """Fetch, and tell."""
    crawl = way(name)
    start, cpu = time.monotonic(), time.process_time()
    crawl(base, count, ca, lambda visit: tell(asdict(visit)))
    end, cpu = time.monotonic(), time.process_time() - cpu
    tell({"start": start, "wall": end - start, "cpu": cpu, "memory": peak_memory()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
