"""A small plot as SVG: rows per second over concurrency, a panel per model, a line per kind of memory."""

from collections.abc import Sequence
from html import escape

from bench.perf_analyzer import Memory, Point

WIDTH, HEIGHT, MARGIN = 260, 200, 44
COLOURS: dict[Memory, str] = {"none": "#888888", "system": "#1f77b4", "cuda": "#2ca02c"}
NAMES: dict[Memory, str] = {
    "none": "request body",
    "system": "system shared memory",
    "cuda": "CUDA shared memory",
}


def plot(points: Sequence[Point], title: str) -> str:
    """The SVG document; axes begin at 0."""
    models = list(dict.fromkeys(point.model for point in points))
    panels = [
        _panel(model, [point for point in points if point.model == model], index)
        for index, model in enumerate(models)
    ]
    width, height = len(models) * WIDTH, HEIGHT + 60
    head = f'<text x="10" y="18" font-size="13">{escape(title)}</text>'
    body = "\n".join([head, *panels, _legend(points)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _panel(model: str, points: Sequence[Point], index: int) -> str:
    left, top = index * WIDTH + MARGIN, 40
    width, height = WIDTH - MARGIN - 16, HEIGHT - 40
    most_rows = max(point.rows_per_s for point in points) * 1.1
    most_concurrency = max(point.concurrency for point in points)

    def place(point: Point) -> tuple[float, float]:
        return (
            round(left + width * point.concurrency / most_concurrency, 1),
            round(top + height * (1 - point.rows_per_s / most_rows), 1),
        )

    parts = [
        f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="black"/>',
        f'<text x="{left}" y="{top - 6}">{escape(model)}, rows/s</text>',
        f'<text x="{left - 4}" y="{top + 14}" text-anchor="end">{most_rows:.0f}</text>',
        f'<text x="{left - 4}" y="{top + height}" text-anchor="end">0</text>',
    ]
    for concurrency in sorted({point.concurrency for point in points}):
        x = left + width * concurrency / most_concurrency
        parts.append(f'<text x="{x:.1f}" y="{top + height + 14}" text-anchor="middle">{concurrency}</text>')
    for memory, colour in COLOURS.items():
        line = [place(point) for point in points if point.memory == memory]
        if line:
            path = " ".join(f"{x},{y}" for x, y in line)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in line]
    return "\n".join(parts)


def _legend(points: Sequence[Point]) -> str:
    used = [memory for memory in COLOURS if any(point.memory == memory for point in points)]
    parts = []
    for index, memory in enumerate(used):
        x, y = 10 + index * 170, HEIGHT + 48
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[memory]}"/>')
        parts.append(f'<text x="{x + 15}" y="{y}">{escape(NAMES[memory])}</text>')
    return "\n".join(parts)
