"""A few curves over one axis as an SVG that is readable on light and on dark pages. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 800
_PANEL = 170
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 64, 16, 46, 44, 46
_INK, _GRID = "#7d8590", "#7d859055"
COLOURS = ("#2f81c7", "#d9730d", "#2da44e", "#a475f9")
"""Told apart on white and on black, and by those who see colours otherwise."""
_STYLE = "font-family:system-ui,sans-serif;font-size:13px"


@dataclass(frozen=True)
class Series:
    """One curve. A name that was drawn before is not listed again; ``dots``: no line between."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = COLOURS[0]
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves with one vertical axis from the first tick to the last; values beyond lie on its ends."""

    label: str
    ticks: Sequence[float]
    series: Sequence[Series]
    log: bool = False

    def height(self, value: float) -> float:
        """Where ``value`` is, 0 at the bottom and 1 at the top."""
        low, high = self._scaled(self.ticks[0]), self._scaled(self.ticks[-1])
        value = min(max(value, self.ticks[0]), self.ticks[-1])
        return (self._scaled(value) - low) / (high - low)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def draw(title: str, panels: Sequence[Panel], *, across: str, ticks: Sequence[float]) -> str:
    """The SVG: panels above each other, one horizontal axis that spans ``ticks``."""
    height = _TOP + len(panels) * (_PANEL + _GAP) - _GAP + _BOTTOM
    parts = [f'<title>{escape(title)}</title><g style="{_STYLE}" fill="{_INK}">', *_legend(panels)]
    for index, panel in enumerate(panels):
        parts += _panel(panel, _TOP + index * (_PANEL + _GAP), ticks)
    bottom = height - _BOTTOM
    parts += [_text(_x(tick, ticks), bottom + 18, f"{tick:g}", "middle") for tick in ticks]
    parts += [_text((_LEFT + WIDTH - _RIGHT) / 2, bottom + 38, across, "middle"), "</g>"]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _legend(panels: Sequence[Panel]) -> Iterator[str]:
    every = [series for panel in panels for series in panel.series if series.name]
    x = float(_LEFT)
    for series in {each.name: each for each in reversed(every)}.values():
        yield _line(x, x + 26, 16, _stroke(series))
        yield _text(x + 32, 20.5, series.name)
        x += 50 + 7.2 * len(series.name)


def _panel(panel: Panel, top: float, across: Sequence[float]) -> Iterator[str]:
    yield _text(_LEFT, top - 8, panel.label)
    for tick in panel.ticks:
        y = top + _PANEL * (1 - panel.height(tick))
        yield _line(_LEFT, WIDTH - _RIGHT, y, f'stroke="{_GRID}"')
        yield _text(_LEFT - 8, y + 4.5, f"{tick:g}", "end")
    for series in panel.series:
        at = [(_x(x, across), top + _PANEL * (1 - panel.height(y))) for x, y in series.points]
        if not series.dots:
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            yield f'<polyline points="{joined}" fill="none" {_stroke(series)}/>'
        radius = 2.5 if series.dots else 3.5
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{series.colour}"/>' for x, y in at)


def _x(value: float, ticks: Sequence[float]) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - ticks[0]) / (ticks[-1] - ticks[0])


def _stroke(series: Series) -> str:
    dashes = ' stroke-dasharray="6 4"' if series.dashed else ""
    return f'stroke="{series.colour}" stroke-width="2"{dashes}'


def _line(left: float, right: float, y: float, stroke: str) -> str:
    return f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" {stroke}/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
