"""A few curves over one axis as an SVG that is readable on light and on dark pages. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

WIDTH = 800
_PANEL = 170
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 78, 26, 66, 44, 46
_CHARACTER = 6.9
"""Pixels a character of the legend takes, about."""
_INK, _GRID = "#7d8590", "#7d859055"
COLOURS = ("#2f81c7", "#d9730d", "#2da44e", "#a475f9")
"""Told apart on white and on black, and by those who see colours otherwise."""
_STYLE = "font-family:system-ui,sans-serif;font-size:13px"


@dataclass(frozen=True)
class Series:
    """Points joined by a line, or as dots, or as bars of some ``width``. One without a name is not listed."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = COLOURS[0]
    style: Literal["line", "dots", "bars"] = "line"
    faint: bool = False
    width: float = 1.0
    """Of a bar, in units of the horizontal axis."""


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
    parts += [_text(_x(tick, ticks), bottom + 20, _number(tick), "middle") for tick in ticks]
    parts += [_text((_LEFT + WIDTH - _RIGHT) / 2, bottom + 40, across, "middle"), "</g>"]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _legend(panels: Sequence[Panel]) -> Iterator[str]:
    x = 16.0
    for series in (each for panel in panels for each in panel.series if each.name):
        yield f'<rect x="{x:.1f}" y="10" width="14" height="14" {_filled(series)}/>'
        yield _text(x + 20, 21.5, series.name)
        x += 36 + _CHARACTER * len(series.name)


def _panel(panel: Panel, top: float, across: Sequence[float]) -> Iterator[str]:
    yield _text(_LEFT, top - 10, panel.label)
    for tick in panel.ticks:
        y = top + _PANEL * (1 - panel.height(tick))
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_GRID}"/>'
        yield _text(_LEFT - 8, y + 4.5, _number(tick), "end")
    for series in panel.series:
        at = [(_x(x, across), top + _PANEL * (1 - panel.height(y))) for x, y in series.points]
        if series.style == "bars":
            wide = _x(across[0] + series.width, across) - _LEFT
            foot = top + _PANEL
            yield from (_bar(x - wide / 2, y, wide=wide, foot=foot, filled=_filled(series)) for x, y in at)
            continue
        if series.style == "line":
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            yield f'<polyline points="{joined}" fill="none" stroke="{series.colour}" stroke-width="2"/>'
        radius = 2.5 if series.style == "dots" else 4
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {_filled(series)}/>' for x, y in at)


def _bar(x: float, y: float, *, wide: float, foot: float, filled: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{foot - y:.1f}" {filled}/>'


def _filled(series: Series) -> str:
    return f'fill="{series.colour}" fill-opacity="{0.5 if series.faint else 1}"'


def _number(value: float) -> str:
    return f"{value:,.9f}".rstrip("0").rstrip(".")


def _x(value: float, ticks: Sequence[float]) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - ticks[0]) / (ticks[-1] - ticks[0])


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
