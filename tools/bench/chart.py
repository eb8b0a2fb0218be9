"""Charts as SVG, written by hand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#1f6feb", "#8b949e", "#c0c6cd", "#cf222e", "#e16f24", "#bf8700")
STYLE = "font-family:system-ui,sans-serif;font-size:12px;fill:#24292f"
LABEL, BAR, GAP, WIDTH = 230, 16, 14, 820

type Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """Lines over a logarithmic x; y from 0, or logarithmic too where it grows more than a hundredfold. ``is_linear``:
    x from 0."""

    title: str
    lines: Mapping[str, Sequence[Point]]
    is_linear: bool = False


def bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Horizontal bars, group by group, each with its name and value."""
    longest = max(value for group in groups.values() for value in group.values())
    scale = (WIDTH - LABEL - 70) / longest
    parts, y = [_text(10, 20, title, "font-weight:600")], 34
    for name, group in groups.items():
        parts.append(_text(10, y + 14, name, "font-weight:600"))
        y += 22
        for (bar, value), colour in zip(group.items(), COLOURS, strict=False):
            parts.append(_text(20, y + 12, bar))
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="{colour}"/>')
            parts.append(_text(LABEL + value * scale + 6, y + 12, f"{value:.0f}"))
            y += BAR + 3
        y += GAP
    return _svg(WIDTH, y, parts)


def panels(several: Sequence[Panel]) -> str:
    """Line charts, two in a row."""
    width, height = 400, 230
    parts = []
    for number, panel in enumerate(several):
        x, y = (number % 2) * width, (number // 2) * height
        parts.append(f'<g transform="translate({x},{y})">{"".join(_panel(panel, width, height))}</g>')
    return _svg(2 * width, math.ceil(len(several) / 2) * height, parts)


def _panel(panel: Panel, width: int, height: int) -> list[str]:
    left, right, top, bottom = 52, 20, 48, 34
    points = [point for line in panel.lines.values() for point in line]
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    least, most = min(y for _, y in points), max(y for _, y in points)
    is_steep = most > 100 * least > 0

    def place_x(x: float) -> float:
        share = x / last if panel.is_linear else math.log(x / first) / math.log(last / first)
        return left + share * (width - left - right)

    def place_y(y: float) -> float:
        share = math.log(y / least) / math.log(most / least) if is_steep else y / most
        return height - bottom - share * (height - top - bottom)

    axis = "stroke:#8b949e;stroke-width:1"
    parts = [
        _text(10, 16, panel.title, "font-weight:600"),
        f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none" style="{axis}"/>',
        _text(left - 6, place_y(most) + 4, f"{most:,.4g}", "text-anchor:end"),
        _text(left - 6, height - bottom + 4, f"{least:,.4g}" if is_steep else "0", "text-anchor:end"),
    ]
    below = height - bottom + 16
    ticks = [0.0, last / 3, last * 2 / 3, last] if panel.is_linear else sorted({x for x, _ in points})
    parts += [_text(place_x(x), below, f"{x:,.0f}", "text-anchor:middle") for x in ticks]
    for number, (name, line) in enumerate(panel.lines.items()):
        colour = (COLOURS[0], COLOURS[3], COLOURS[4])[number]
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y in line)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        parts.append(_text(left + number * 110, 34, name, f"fill:{colour};font-weight:600"))
    return parts


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{STYLE};{style}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )
