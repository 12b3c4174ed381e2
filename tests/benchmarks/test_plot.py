"""What is drawn where."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.plot import WIDTH, Panel, Series, draw

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*panels: Panel) -> ET.Element:
    return ET.fromstring(draw("Ups & downs", panels, across="edits", ticks=[0, 50, 100]))


def test_every_tick_label_and_name_is_written_once() -> None:
    one = Panel("share, %", [0, 50, 100], [Series("first", [(0, 50)]), Series("other < all", [(100, 100)])])
    two = Panel("nats", [0.01, 0.1, 1], [Series("third", [(0, 0.1)]), Series("", [])], log=True)
    words = [each.text for each in drawn(one, two).iter(f"{SVG}text")]
    assert words == [
        *("first", "other < all", "third"),
        *("share, %", "0", "50", "100"),
        *("nats", "0.01", "0.1", "1"),
        *("0", "50", "100", "edits"),
    ]


@pytest.mark.parametrize(("value", "height"), [(0.01, 0), (0.1, 0.5), (1, 1), (5, 1), (0, 0)])
def test_a_log_axis_goes_by_ratios_and_holds_what_is_beyond_at_its_ends(value: float, height: float) -> None:
    assert Panel("", [0.01, 1], [], log=True).height(value) == pytest.approx(height)


def test_a_linear_axis_goes_by_differences() -> None:
    assert Panel("", [20, 40], []).height(25) == pytest.approx(0.25)


def test_points_are_inside_and_in_their_order() -> None:
    points = [(0, 0), (50, 30), (100, 100)]
    found = drawn(Panel("", [0, 100], [Series("a", points)]), Panel("", [0, 100], [Series("b", points)]))
    box = [float(part) for part in str(found.get("viewBox")).split()]
    circles = [
        (float(str(each.get("cx"))), float(str(each.get("cy")))) for each in found.iter(f"{SVG}circle")
    ]
    assert box[2] == WIDTH
    assert all(0 < x < box[2] and 0 < y < box[3] for x, y in circles)
    for part in (circles[:3], circles[3:]):
        assert [x for x, _ in part] == sorted(x for x, _ in part)
        assert [y for _, y in part] == sorted((y for _, y in part), reverse=True)
    assert max(y for _, y in circles[:3]) < min(y for _, y in circles[3:])


def test_dots_are_not_joined_and_bars_stand_on_the_bottom() -> None:
    series = [Series("a", [(0, 1)], style="dots"), Series("b", [(50, 1), (75, 0.5)], style="bars", width=10)]
    found = drawn(Panel("", [0, 1], series))
    assert not list(found.iter(f"{SVG}polyline"))
    bars = [
        {key: float(str(each.get(key))) for key in ("x", "y", "width", "height")} for each in _bars(found)
    ]
    assert [bar["x"] + bar["width"] / 2 for bar in bars] == sorted(
        bar["x"] + bar["width"] / 2 for bar in bars
    )
    assert bars[0]["y"] + bars[0]["height"] == pytest.approx(bars[1]["y"] + bars[1]["height"])
    assert bars[0]["height"] == pytest.approx(2 * bars[1]["height"])


def _bars(found: ET.Element) -> list[ET.Element]:
    legend = 2
    return list(found.iter(f"{SVG}rect"))[legend:]


def test_a_legend_tells_faint_from_full() -> None:
    series = [Series("a", [], faint=True), Series("", []), Series("b", [])]
    boxes = drawn(Panel("", [0, 1], series)).iter(f"{SVG}rect")
    assert [each.get("fill-opacity") for each in boxes] == ["0.5", "1"]


def test_small_numbers_are_written_out() -> None:
    words = [each.text for each in drawn(Panel("", [1e-6, 1, 1_000], [], log=True)).iter(f"{SVG}text")]
    assert words[1:4] == ["0.000001", "1", "1,000"]
