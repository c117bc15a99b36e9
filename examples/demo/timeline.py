"""The picture: every fiber as one thin line from its start to its end, as an SVG.

Below the lines, on the same axis, how many fibers were under way at each moment.
"""

from collections.abc import Iterator
from html import escape

from pages import Visit

WIDTH, LEFT, RIGHT, TOP = 1200, 64, 28, 132
LINES, GAP, CURVE, FOOT = 560, 40, 110, 48  # heights: the lines, between, the curve, the axis
COLOURS = {"ok": "#2a9d8f", "async": "#7b4fd0", "failed": "#d62839", "cut": "#f08a00"}
LABELS = {
    "ok": "fetched by requests",
    "async": "fetched by async def",
    "failed": "failed",
    "cut": "cut by its deadline",
}
INK, PALE, GRID = "#1d2b36", "#61707d", "#e3e8ec"

STYLE = f"""\
text {{ font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: {PALE}; }}
.title {{ font-size: 24px; font-weight: 600; fill: {INK}; }}
.numbers {{ font-size: 15px; fill: {INK}; }}
.grid {{ stroke: {GRID}; stroke-width: 1; }}
.curve {{ fill: #2a9d8f; fill-opacity: 0.18; stroke: #2a9d8f; stroke-width: 1.5; }}
"""


def kind(visit: Visit) -> str:
    """The colour class of a fiber."""
    return "async" if visit.result == "ok" and visit.how == "httpx" else visit.result


def axis_step(duration: float) -> float:
    """The distance of two marks: a round number that gives four to ten of them."""
    for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
        if duration / step <= 10:
            return step
    return duration / 10


class Canvas:
    """Seconds and fibers to pixels."""

    def __init__(self, start: float, duration: float, fibers: int) -> None:
        self.start, self.duration = start, duration
        self.row = min(12.0, LINES / max(1, fibers))
        self.bottom = TOP + self.row * fibers
        self.base = self.bottom + GAP + CURVE
        self.height = self.base + FOOT

    def x(self, moment: float) -> float:
        """Where a moment lies."""
        return LEFT + (moment - self.start) / self.duration * (WIDTH - LEFT - RIGHT)


def grid(canvas: Canvas) -> Iterator[str]:
    """The marks of the axis."""
    step = axis_step(canvas.duration)
    for mark in range(int(canvas.duration / step) + 1):
        x = canvas.x(canvas.start + mark * step)
        yield f'<path class="grid" d="M{x:.1f} {TOP - 8}V{canvas.base:.1f}"/>'
        yield (
            f'<text class="mark" x="{x:.1f}" y="{canvas.base + 20:.1f}" text-anchor="middle">'
            f"{mark * step:g}</text>"
        )
    yield f'<text x="{WIDTH - RIGHT}" y="{canvas.base + 40:.1f}" text-anchor="end">seconds</text>'


def fibers(canvas: Canvas, visits: list[Visit]) -> Iterator[str]:
    """The lines. The few that are not plain pages are drawn later and thicker, to be found."""
    placed = list(enumerate(sorted(visits, key=lambda visit: visit.start)))
    for place, visit in sorted(placed, key=lambda item: kind(item[1]) != "ok"):
        of = kind(visit)
        y = TOP + (place + 0.5) * canvas.row
        thick = canvas.row * 0.8 if of == "ok" else max(3.0, canvas.row * 0.8)
        title = f"{visit.url}: {visit.result} after {visit.end - visit.start:.2f} s {visit.error}"
        yield (
            f'<line class="fiber {of}"'
            f' x1="{canvas.x(visit.start):.1f}" x2="{canvas.x(visit.end):.1f}"'
            f' y1="{y:.2f}" y2="{y:.2f}" stroke="{COLOURS[of]}" stroke-width="{thick:.2f}">'
            f"<title>{escape(title)}</title></line>"
        )


def curve(canvas: Canvas, visits: list[Visit]) -> Iterator[str]:
    """How many fibers were under way, over time."""
    steps = sorted([(visit.start, 1) for visit in visits] + [(visit.end, -1) for visit in visits])
    most = now = 0
    heights = [(canvas.start, 0)]
    for moment, step in steps:
        heights.append((moment, now))
        now += step
        heights.append((moment, now))
        most = max(most, now)
    points = " ".join(
        f"{canvas.x(t):.1f},{canvas.base - CURVE * n / max(1, most):.1f}" for t, n in heights
    )
    yield f'<polygon class="curve" points="{points}"/>'
    top = canvas.base - CURVE
    yield f'<text x="{LEFT}" y="{top - 10:.1f}">under way at once</text>'
    yield f'<text x="{LEFT - 8}" y="{top + 5:.1f}" text-anchor="end">{most}</text>'
    yield f'<text x="{LEFT - 8}" y="{canvas.base + 5:.1f}" text-anchor="end">0</text>'


def legend(visits: list[Visit]) -> Iterator[str]:
    """The colours and how many fibers have each."""
    x = float(LEFT)
    for of, label in LABELS.items():
        text = f"{label}: {sum(kind(visit) == of for visit in visits):,}".replace(",", " ")
        yield f'<rect x="{x:.0f}" y="91" width="22" height="5" rx="2" fill="{COLOURS[of]}"/>'
        yield f'<text x="{x + 30:.0f}" y="98">{text}</text>'
        x += 62 + 7.6 * len(text)


def draw(visits: list[Visit], title: str, numbers: str) -> str:
    """The whole picture."""
    start = min(visit.start for visit in visits)
    canvas = Canvas(start, max(0.001, max(visit.end for visit in visits) - start), len(visits))
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {canvas.height:.0f}"'
        f' width="{WIDTH}" height="{canvas.height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{canvas.height:.0f}" fill="white"/>',
        f'<text class="title" x="{LEFT}" y="44">{escape(title)}</text>',
        f'<text class="numbers" x="{LEFT}" y="70">{escape(numbers)}</text>',
    ]
    rest = [
        *legend(visits),
        *grid(canvas),
        *fibers(canvas, visits),
        *curve(canvas, visits),
        "</svg>",
        "",
    ]
    return "\n".join(head + rest)
