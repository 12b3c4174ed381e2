"""Curves as a PNG, drawn on a grid of pixels: no library for it is among what Splice needs.

Format: PNG (ISO/IEC 15948), 8-bit RGB, one IDAT chunk without filters.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 900, 260
"""Pixels of one panel."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 24, 40, 36
_SCALE = 2
"""Pixels a dot of a letter."""
_INK, _GRID = (70, 76, 84), (222, 225, 229)
COLOURS = ((47, 129, 199), (217, 115, 13), (45, 164, 78), (164, 117, 249), (120, 120, 120))
_GLYPHS = (
    "0:75557 1:26227 2:71747 3:71717 4:55711 5:74717 6:74757 7:71122 8:75757 9:75717 -:00700 .:00002 ,:00024 "
    "/:11244 %:51245 (:24442 ):21112 ::02020 @:25743 A:25755 B:65656 C:34443 D:65556 E:74647 F:74644 G:34553 "
    "H:55755 I:72227 J:11152 K:55655 L:44447 M:57755 N:65555 O:25552 P:65644 Q:25563 R:65655 S:34216 T:72222 "
    "U:55557 V:55522 W:55775 X:55255 Y:55222 Z:71247"
)
"""Five rows of three dots a letter, each row an octal digit."""
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Curve:
    """Points joined by a line; none are drawn where there are none."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Curves over one axis; the vertical one goes from ``low`` to ``high``."""

    title: str
    curves: Sequence[Curve]
    low: float
    high: float


def write_png(path: Path, panels: Sequence[Panel], across: str, end: float) -> None:
    """Draw the panels above each other over an axis from 0 to ``end``, which ``across`` names."""
    image = np.full((HEIGHT * len(panels), WIDTH, 3), 255, np.uint8)
    for number, panel in enumerate(panels):
        _draw(image[number * HEIGHT : (number + 1) * HEIGHT], panel, across, max(end, 1.0))
    path.write_bytes(encode(image))


def encode(image: Image) -> bytes:
    """The PNG of an image ``[height, width, 3]``."""
    height, width, _ = image.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, width * 3)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _draw(image: Image, panel: Panel, across: str, end: float) -> None:
    foot, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = round(foot - share * (foot - _TOP))
        image[y, _LEFT:right] = _GRID
        label = f"{panel.low + share * (panel.high - panel.low):.3g}"
        _write(image, label, _LEFT - 8 - 4 * _SCALE * len(label), y=y - 5)
        label = f"{share * end:.0f}"
        _write(image, label, round(_LEFT + share * (right - _LEFT)) - 2 * _SCALE * len(label), y=foot + 6)
    _write(image, across, (WIDTH - 4 * _SCALE * len(across)) // 2, y=HEIGHT - 14)
    x = _LEFT
    _write(image, panel.title, x, y=12)
    for number, curve in enumerate(panel.curves):
        colour = COLOURS[number % len(COLOURS)]
        x += 4 * _SCALE * (len(panel.title if number == 0 else panel.curves[number - 1].name) + 3)
        _write(image, curve.name, x, y=12, colour=colour)
        _trace(image, panel, curve, (end, colour))


def _trace(image: Image, panel: Panel, curve: Curve, how: tuple[float, tuple[int, ...]]) -> None:
    """One curve: straight between its points, two pixels thick; values beyond lie on the ends."""
    end, colour = how
    foot, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    height = (panel.high - panel.low) or 1.0
    at = [
        (_LEFT + x / end * (right - _LEFT), foot - min(max((y - panel.low) / height, 0), 1) * (foot - _TOP))
        for x, y in curve.points
    ]
    for (x0, y0), (x1, y1) in zip(at, at[1:] or at, strict=False):
        dots = int(max(abs(x1 - x0), abs(y1 - y0))) + 2
        xs = np.linspace(x0, x1, dots).round().astype(int)
        ys = np.linspace(y0, y1, dots).round().astype(int)
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            image[ys + dy, np.minimum(xs + dx, WIDTH - 1)] = colour


def _write(image: Image, text: str, x: int, *, y: int, colour: tuple[int, ...] = _INK) -> None:
    glyphs = {entry[0]: entry[2:] for entry in _GLYPHS.split(" ")}
    for number, char in enumerate(text.upper()):
        rows = glyphs.get(char, "00000")
        for row, dots in enumerate(rows):
            for column in range(3):
                if int(dots, 8) & (4 >> column):
                    top, left = y + row * _SCALE, x + (number * 4 + column) * _SCALE
                    image[top : top + _SCALE, max(left, 0) : left + _SCALE] = colour
