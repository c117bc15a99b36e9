"""Draws the results: a panel for each row, a bar for each peer, as an SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from page import target_text
from results import Results, Spread, figure
from rows import PEERS, ROWS, Row, Target

COLUMNS, WIDTH, MARGIN = 3, 1200, 28
BAR, PANEL_HEAD, PANEL_FOOT, HEAD = 20, 52, 14, 96
NAME, VALUE = 118, 52  # widths left and right of the bars
WEFT, PEER, INK, PALE, GRID, MARK = "#2a9d8f", "#b8c4ce", "#1d2b36", "#61707d", "#e3e8ec", "#d62839"
PANEL = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS
HEIGHT = PANEL_HEAD + BAR * len(PEERS) + PANEL_FOOT

STYLE = f"""\
text {{ font: 12px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: {PALE}; }}
.title {{ font-size: 22px; font-weight: 600; fill: {INK}; }}
.row {{ font-size: 14px; font-weight: 600; fill: {INK}; }}
.weft {{ font-weight: 600; fill: {INK}; }}
.spread {{ stroke: {INK}; stroke-opacity: 0.55; }}
.target {{ stroke: {MARK}; stroke-width: 1.5; stroke-dasharray: 3 2; }}
"""


def limit(results: Results, row: Row, target: Target) -> float | None:
    """The target as a value on the row's scale."""
    if target.of is None:
        return target.limit
    peer = results.cell(row, target.of)
    return peer.median * target.limit if peer else None


def panel(results: Results, row: Row, x: float, y: float) -> Iterator[str]:
    found = {peer: results.cell(row, peer) for peer in PEERS}
    target = next((t for t in row.targets if not t.stretch), None)
    goal = limit(results, row, target) if target else None
    most = max([f.high for f in found.values() if f] + [goal or 0.0, 1e-9])
    left, scale = x + NAME, (PANEL - NAME - VALUE) / most
    top = y + PANEL_HEAD
    unit = f"{row.unit}, {'longer' if row.more_is_better else 'shorter'} is better"
    if target:
        unit += f"; target {target_text(row, target, nouns=False)}"
    yield text(row.title.replace("`", ""), x, y + 18, "row")
    yield text(unit, x, y + 36)
    for place, peer in enumerate(PEERS):
        mark = goal * scale if goal is not None and peer == "weft" else None
        yield from bar(label(row, peer), found[peer], left, top + place * BAR, scale, mark)
    if goal is not None:
        at = left + goal * scale
        yield f'<path class="target" d="M{at:.1f} {top - 3:.1f}v{BAR + 5}"/>'


def label(row: Row, peer: str) -> str:
    """Who it is, and with what if that differs from row to row."""
    name = row.named.get(peer, "`")
    return peer if "`" in name or " " in name else f"{peer} ({name})"


def text(said: str, x: float, y: float, kind: str = "", anchor: str = "start") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text{of} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def bar(
    name: str, found: Spread | None, left: float, y: float, scale: float, mark: float | None
) -> Iterator[str]:
    """A peer's line of the panel; at `mark` the target will be drawn."""
    kind = "weft" if name == "weft" else ""
    middle = y + BAR / 2
    yield text(name, left - 8, middle + 4, kind, "end")
    if found is None:
        yield text("–", left + 4, middle + 4)
        return
    width = max(1.0, found.median * scale)
    colour = WEFT if name == "weft" else PEER
    low, high = left + found.low * scale, left + found.high * scale
    yield (
        f'<rect x="{left:.1f}" y="{y + 3:.1f}" width="{width:.1f}" height="{BAR - 6}" rx="2"'
        f' fill="{colour}"/>'
    )
    yield f'<path class="spread" d="M{low:.1f} {middle:.1f}H{high:.1f}"/>'
    end = max(left + width, high)
    if mark is not None and end - 4 < left + mark < end + VALUE:
        end = left + mark  # the figure stands behind it
    yield text(figure(found.median), end + 6, middle + 4, kind)


def draw(results: Results) -> str:
    """The whole picture."""
    raw = results.raw
    lines = -(-len(ROWS) // COLUMNS)
    height = HEAD + lines * (HEIGHT + MARGIN / 2)
    said = (
        f"{raw['machine']['processor']}, {raw['machine']['processors']} processors,"
        f" {raw['machine']['python']}. Medians of {raw['rounds']} interleaved rounds; thin lines:"
        " from the smallest to the largest; dashed: the target for weft"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
        text("weft beside other ways to do the same in Python", MARGIN, 40, "title"),
        text(said, MARGIN, 64),
        f'<path d="M{MARGIN} 80H{WIDTH - MARGIN}" stroke="{GRID}"/>',
    ]
    for place, row in enumerate(ROWS):
        x = MARGIN + (place % COLUMNS) * (PANEL + MARGIN)
        parts += panel(results, row, x, HEAD + (place // COLUMNS) * (HEIGHT + MARGIN / 2))
    return "\n".join([*parts, "</svg>", ""])
