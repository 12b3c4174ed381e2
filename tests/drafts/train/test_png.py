"""A PNG that anyone can read: decoded here by the letter of the format."""

import struct
import zlib
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drafts.train import png
from drafts.train.png import COLOURS, HEIGHT, WIDTH, Curve, Panel, encode, write_png


def decoded(raw: bytes) -> np.ndarray:
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(raw):
        length, kind = struct.unpack(">I4s", raw[at : at + 8])
        data = raw[at + 8 : at + 8 + length]
        assert struct.unpack(">I", raw[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        parts[kind] = data
        at += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (depth, colour) == (8, 2)
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_an_image_survives(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(decoded(encode(image)), image)


def test_a_rising_curve_rises(tmp_path: Path) -> None:
    panels = [
        Panel("up", [Curve("a", [(0, 0.0), (100, 1.0)])], 0.0, 1.0),
        Panel("none", [Curve("", []), Curve("", [(50, 0.5)])], 0.0, 1.0),
    ]
    write_png(tmp_path / "c.png", panels, "step", 100)
    image = decoded((tmp_path / "c.png").read_bytes())
    assert image.shape == (2 * HEIGHT, WIDTH, 3)
    drawn = (image[40:HEIGHT] == COLOURS[0]).all(axis=2)
    heights = [np.flatnonzero(drawn[:, x]).mean() for x in range(100, 860, 20)]
    assert heights == sorted(heights, reverse=True)
    assert (image[HEIGHT + 40 :] == COLOURS[1]).all(axis=2).any()  # a single point is seen


def test_every_letter_has_five_rows_of_three_dots() -> None:
    glyphs = [entry.rpartition(":") for entry in png._GLYPHS.split(" ")]
    assert all(len(char) == 1 and len(dots) == 5 and set(dots) <= set("01234567") for char, _, dots in glyphs)
    assert len({char for char, *_ in glyphs}) == len(glyphs)
