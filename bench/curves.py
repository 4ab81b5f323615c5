"""Small plots as SVG text: a panel for each measure, both axes logarithmic, a line for each server."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

Lines = Mapping[str, Sequence[tuple[float, float]]]
"""By name the points of a line, all of them above zero."""

COLUMNS = 3
WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 34, 30
COLOURS = ("#0b6e4f", "#c0392b", "#2c6fbb", "#8e5bb5", "#b8860b", "#555555")


def svg(panels: Mapping[str, Lines]) -> str:
    """One picture of all panels, by title, with a legend above them."""
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    colour = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
    height = 30 + HEIGHT * -(-len(panels) // COLUMNS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{COLUMNS * WIDTH}" height="{height}" fill="white"/>',
    ]
    for at, name in enumerate(names):
        x = 20 + 130 * at
        parts.append(f'<rect x="{x}" y="10" width="14" height="4" fill="{colour[name]}"/>')
        parts.append(f'<text x="{x + 20}" y="16">{escape(name)}</text>')
    for at, (title, lines) in enumerate(panels.items()):
        x, y = WIDTH * (at % COLUMNS), 30 + HEIGHT * (at // COLUMNS)
        parts += [f'<g transform="translate({x},{y})">', *_panel(title, lines, colour), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, lines: Lines, colour: Mapping[str, str]) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}</text>'
    points = [point for line in lines.values() for point in line]
    if not points:
        return
    across, up = (_decades([point[axis] for point in points]) for axis in (0, 1))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = (math.log10(point[0]) - across[0]) / (across[1] - across[0])
        y = (math.log10(point[1]) - up[0]) / (up[1] - up[0])
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    for power in range(across[0], across[1] + 1):
        x, _ = place((10.0**power, 10.0 ** up[0]))
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#dddddd"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{10**power:,}</text>'
    for power in range(up[0], up[1] + 1):
        _, y = place((10.0 ** across[0], 10.0**power))
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
    for name, line in lines.items():
        placed = [place(point) for point in sorted(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        yield f'<polyline points="{path}" fill="none" stroke="{colour[name]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour[name]}"/>' for x, y in placed)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around values, at least one decade apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)
