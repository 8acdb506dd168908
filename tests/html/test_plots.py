"""Curves as part of a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.html.plots import SERIES_COLOURS, Series, curves

_NUMBERS = st.floats(0, 1e12)


def _svg(*points: tuple[float, float], colour: int = 0, title: str = "bugs") -> ET.Element:
    x, y = [first for first, _ in points], [second for _, second in points]
    return curves(title, [Series("bugs", x, y, colour)], lambda value: f"at {value:g}")


def test_text_is_text_and_colours_are_the_pages() -> None:
    written = ET.tostring(_svg((0, 0), (100, 1500), colour=2)).decode()
    assert ">at 0<" in written
    assert re.search(r">\d(\.\d)?k<", written)
    assert "var(--c2)" in written
    assert "var(--dim)" in written
    assert not re.search(r"#[0-9a-f]{6}", written)


def test_nothing_of_a_picture_reaches_the_rest_of_the_page() -> None:
    svg = _svg((0, 0), (100, 3))
    assert not [element for element in svg.iter() if element.tag in ("style", "metadata", "script")]
    inner = {name for element in svg.iter() if element is not svg for name in element.attrib}
    assert not inner & {"id", "href", "clip-path", "class"}
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "bugs")


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    written = ET.tostring(_svg(*((float(n), float(n)) for n in range(5000)))).decode()
    assert len(written) < 15_000
    again = ET.tostring(_svg((0.0, 0.0), (4999.0, 4999.0))).decode()
    end = r"L (\d+\.\d) (\d+\.\d)\s*\" style=\"fill: none; stroke: var\(--c0\)"
    assert re.findall(end, written) == re.findall(end, again) != []


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=5), st.integers(0, 50))
def test_any_curve_can_be_drawn(points: list[tuple[float, float]], colour: int) -> None:
    written = ET.tostring(_svg(*points, colour=colour)).decode()
    assert f"var(--c{colour % SERIES_COLOURS})" in written
