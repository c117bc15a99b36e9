"""Writes the results page. Whatever it says of a result is made from the figures."""

from __future__ import annotations

from collections.abc import Iterator

from results import Results, Spread, figure
from rows import BYTES, METRICS, PEERS, ROWS, Row, Target

CHART = "results-python.svg"


def line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def with_range(found: Spread) -> str:
    return f"{figure(found.median)}<br><sub>{figure(found.low)}–{figure(found.high)}</sub>"


def target_text(row: Row, target: Target, nouns: bool = True) -> str:
    """`≤ 8`, or `≤ 1.5 × asyncio`."""
    sign = "≥" if row.more_is_better else "≤"
    if target.of is None:
        return f"{sign} {target.limit:,g}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    name = named(row, target.of) if nouns else target.of
    return f"{sign} {name}" if target.limit == 1 else f"{sign} {target.limit:g} × {name}"


def named(row: Row, peer: str) -> str:
    return f"{peer} ({row.named[peer]})" if peer in row.named else peer


def verdict(results: Results, row: Row) -> str:
    said = []
    for target in row.targets:
        reached = results.is_reached(row, target)
        word = "not measured" if reached is None else "reached" if reached else "**not reached**"
        if target.stretch:
            word = "stretch, " + word.strip("*")
        said.append(f"{target_text(row, target)}: {word}")
    return "<br>".join(said) or "none set"


# ---- the parts of the page


def conditions(results: Results) -> Iterator[str]:
    raw = results.raw
    machine, versions = raw["machine"], raw["versions"]
    yield (
        f"{machine['processor']}, {machine['processors']} processors, {machine['memory']},"
        f" {machine['system']}, {machine['python']}; measured on {raw['date']}."
    )
    yield "; ".join(f"{name} {version}" for name, version in versions.items()) + "."
    if raw["quick"]:
        yield "**A smoke test with small sizes: these figures say nothing.**"
    yield (
        f"{raw['rounds']} rounds in {raw['seconds']:.0f} s; in each round every peer runs every"
        " benchmark once, the peers of one row directly after each other and in changing order,"
        " each in a process of its own. A figure is the median of the rounds, below it the smallest"
        f" and the largest. Other programs used {raw['others'] * 100:.0f} % of the processors"
        " meanwhile."
    )


def table(results: Results) -> Iterator[str]:
    yield line("", *PEERS, "target for weft")
    yield line("---", *["--:"] * len(PEERS), "---")
    for row in ROWS:
        unit = f"{row.unit}, {'more' if row.more_is_better else 'less'} is better"
        cells = [cell_text(results, row, peer) for peer in PEERS]
        yield line(f"**{row.title}**<br><sub>{unit}</sub>", *cells, verdict(results, row))


def cell_text(results: Results, row: Row, peer: str) -> str:
    found = results.cell(row, peer)
    if found:
        note = f"<br><sub>{row.named[peer]}</sub>" if peer in row.named else ""
        return with_range(found) + note
    return "failed" if peer in row.jobs and results.absent(row.jobs[peer]) is None else "–"


def ratios(results: Results) -> Iterator[str]:
    yield line("weft / …", *PEERS[1:], "better is")
    yield line("---", *["--:"] * (len(PEERS) - 1), "---")
    for row in ROWS:
        cells = []
        for peer in PEERS[1:]:
            found = results.ratio(row, peer)
            cells.append(ratio_text(row, found) if found else "–")
        yield line(row.title, *cells, "more than 1" if row.more_is_better else "less than 1")


def ratio_text(row: Row, found: Spread) -> str:
    better = found.median > 1 if row.more_is_better else found.median < 1
    median = figure(found.median)
    text = f"**{median}**" if better else median
    return f"{text}<br><sub>{figure(found.low)}–{figure(found.high)}</sub>"


def not_reached(results: Results) -> Iterator[str]:
    missing = [row for row in ROWS if results.missed(row)]
    if not missing:
        yield "Every target that was measured is reached (stretch targets aside)."
        return
    for row in missing:
        yield f"* **{row.title}**: {how_far(results, row)} {account(results, row)}{row.floor}"


def how_far(results: Results, row: Row) -> str:
    """By how much each target was missed."""
    said = []
    for target in results.missed(row):
        found = results.ratio(row, target.of) if target.of else results.cell(row, "weft")
        assert found is not None
        unit = f"× {named(row, target.of)}" if target.of else row.unit
        said.append(f"{figure(found.median)} {unit}, the target is {target_text(row, target)}")
    return "; ".join(said) + "."


def account(results: Results, row: Row) -> str:
    """What else weft's processes say about themselves."""
    parts = []
    for metric, words in METRICS.items():
        found = results.spread(row.jobs["weft"], metric)
        if found and metric != row.metric and applies(row, metric):
            parts.append(f"{figure(found.median)} {words}")
    return f"Its own account: {', '.join(parts)}. " if parts else ""


def applies(row: Row, metric: str) -> bool:
    """The sleepers' processes weigh first and cancel then: each row has its own half."""
    if row.key == "bytes":
        return metric == "page_tables"
    return row.key != "cancel" or metric != "page_tables"


def also(results: Results) -> Iterator[str]:
    for row in ROWS:
        for label, job in row.also.items():
            found = results.spread(job, row.metric)
            if found:
                yield (
                    f"* {row.title}: {label}: {figure(found.median)} {row.unit}"
                    f" ({figure(found.low)}–{figure(found.high)})"
                )
    for peer in ("weft", "threads"):
        found = results.spread(BYTES.jobs[peer], "page_tables")
        if found:
            yield (
                f"* memory of a sleeper: {peer}: besides, {figure(found.median)} bytes of page"
                " tables in the kernel for each"
            )


def without(results: Results) -> Iterator[str]:
    """Who has no figure, and why; the same reason once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in ROWS:
        for peer in PEERS:
            why = why_not(results, row, peer)
            if why:
                reasons.setdefault((peer, why), []).append(row.title)
    for (peer, why), titles in reasons.items():
        yield f"* {peer}: {why}: {'; '.join(titles)}"


def why_not(results: Results, row: Row, peer: str) -> str | None:
    job = row.jobs.get(peer)
    if job is None:
        return row.absent.get(peer, "has nothing of the kind")
    failed = [r["failed"] for r in results.rounds(job) if "failed" in r]
    if failed:
        return f"failed in {len(failed)} of {len(results.rounds(job))} rounds ({failed[0]})"
    return results.absent(job)


def what_is_timed() -> Iterator[str]:
    for row in ROWS:
        yield f"* **{row.title}**: {row.measured}"


def write(results: Results) -> str:
    """The whole page."""
    parts = [
        ["# Results: Python"],
        ["Made by `./dev bench python`; do not edit. How to read it: [README.md](README.md)."],
        [f"![weft beside its peers]({CHART})"],
        ["\n\n".join(conditions(results))],
        ["## Medians"],
        table(results),
        ["## Ratios"],
        [
            "weft / peer, each round on its own; bold where weft is the better one. Figures in"
            " themselves move from machine to machine, ratios of one run far less."
        ],
        ratios(results),
        ["## Targets not reached"],
        not_reached(results),
        ["## Measured besides"],
        also(results),
        ["## Without a figure"],
        without(results),
        ["## What exactly is measured"],
        what_is_timed(),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def text_table(results: Results) -> str:
    """The medians for a terminal."""
    width = max(len(row.title) for row in ROWS)
    lines = [f"{'':{width}}  " + "".join(f"{peer:>10}" for peer in PEERS) + "   target"]
    for row in ROWS:
        found = [results.cell(row, peer) for peer in PEERS]
        cells = "".join(f"{figure(f.median) if f else '-':>10}" for f in found)
        words = {True: "yes", False: "NO", None: "?"}
        said = [
            f"{target_text(row, t, nouns=False)} {words[results.is_reached(row, t)]}"
            for t in row.targets
            if not t.stretch
        ]
        lines.append(f"{row.title.replace('`', ''):{width}}  {cells}   {'; '.join(said)}")
    return "\n".join(lines)
