"""The demo: `./dev demo [--pages N] [--no-compare]`.

Starts a web server on the loopback, fetches N pages from it at once by ordinary `requests` in
fibers, then with plain threads, then one after the other; prints a table and draws a picture.
Exits with 1 if any page did not end as it must.
"""

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # started as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo import table, timeline
from demo.measure import Run, measure
from demo.server import Site, raise_file_limit
from demo.table import Progress, mebibytes, number, seconds
from demo.upstream import USUAL

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = 7  # beside the pages: five by an async client, one that fails, one that hangs
SAMPLE = 5  # one after the other, this many pages are enough to know the rest


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument(
        "--pages", type=int, default=1000, metavar="N", help="pages to fetch (1000)"
    )
    parser.add_argument(
        "--delay", type=float, default=USUAL, metavar="S", help=f"seconds a page takes ({USUAL})"
    )
    parser.add_argument(
        "--no-compare", action="store_true", help="only weft; no threads, not one by one"
    )
    parser.add_argument(
        "--svg", type=Path, default=ROOT / "build/demo/fibers.svg", help="where to draw the picture"
    )
    asked = parser.parse_args()
    if asked.pages < 1:
        parser.error("--pages must be 1 or more")
    if not 0 <= asked.delay <= 60:
        parser.error("--delay must be 0 to 60 seconds")
    return asked


def run_all(site: Site, pages: int, compare: bool) -> list[Run]:
    """Measure weft, and what it is compared with."""
    sample = min(SAMPLE, pages)
    ways = {"weft": pages, "threads": pages, "one-by-one": sample} if compare else {"weft": pages}
    return [
        measure(way, site.url, count, site.ca, Progress(way, count + SPECIAL))
        for way, count in ways.items()
    ]


def draw(run: Run, file: Path) -> None:
    """Write the picture of the fibers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    numbers = (
        f"{seconds(run.wall)} wall time, {seconds(run.single_times())} of single times,"
        f" at most {number(run.most_at_once())} at once, OS threads: {number(run.threads)},"
        f" peak memory: {mebibytes(run.memory)}"
    )
    title = f"{number(len(run.visits))} fibers fetch {number(len(run.visits))} pages by TLS"
    file.write_text(timeline.draw(run.visits, title, numbers), encoding="utf-8")


def main() -> int:
    """The demo; returns the exit code."""
    asked = arguments()
    files = raise_file_limit()
    if files < 2 * asked.pages + 100:
        print(
            f"{number(asked.pages)} pages need more open files than this system allows ({files})",
            file=sys.stderr,
        )
        return 1
    with Site(asked.delay) as site:
        print(f"nginx serves {site.url} (TLS) and {site.plain}; a page takes about {asked.delay} s")
        runs = run_all(site, asked.pages, not asked.no_compare)
    print(f"\n{table.table(runs, asked.pages)}\n")
    draw(runs[0], asked.svg)
    print(f"The picture of all fibers: {asked.svg}")
    wrong = [fault for run in runs for fault in table.faults(run, run.pages + SPECIAL)]
    print("\n".join(f"WRONG: {fault}" for fault in wrong) or table.verdict(runs, asked.pages))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped")
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"demo: {error}")
