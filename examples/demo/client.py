"""One measured run, in a process of its own: `python -m demo.client WAY URL COUNT CA_FILE`.

WAY is weft, threads or one-by-one. Prints a line of JSON for each page as it ends, and one about
the whole process at the end. Only the way that uses weft imports it.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

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


def main(name: str, base: str, count: int, ca: str) -> None:
    """Fetch, and tell."""
    crawl = way(name)
    printing = threading.Lock()

    def seen(visit: Visit) -> None:
        with printing:
            print(json.dumps(asdict(visit)), flush=True)

    start, cpu = time.monotonic(), time.process_time()
    crawl(base, count, ca, seen)
    end, cpu = time.monotonic(), time.process_time() - cpu
    print(
        json.dumps({"start": start, "wall": end - start, "cpu": cpu, "memory": peak_memory()}),
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
