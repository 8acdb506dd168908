"""Curves as SVG that is part of a page: text stays text, and colours are the page's, in light and in dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from attrs import frozen

from usbfuzz.reading import plain

__all__ = ["SERIES_COLOURS", "Series", "curves"]

#: Colours a page has for series (``--c0`` … in style.css); more series than that begin again with the first.
SERIES_COLOURS = 6
#: What the library draws with, and what the page shows instead.
_INK, _GRID = "#010203", "#040506"
_SERIES = tuple(f"#0a0b{number:02x}" for number in range(SERIES_COLOURS))
_PAGE = {
    _INK: "var(--dim)",
    _GRID: "var(--line)",
    **{drawn: f"var(--c{number})" for number, drawn in enumerate(_SERIES)},
}
_WIDTH, _HEIGHT = 3.3, 1.75  #: inches; a page scales them
_POINTS = 160  #: of a curve: more than are told apart
_TICKS = 4
_COLOUR = re.compile("|".join(_PAGE))
_LONG = re.compile(r"(\d\.\d)\d+")  #: a tenth of a point is less than a pixel
_KEPT = re.compile(r"(?:fill|stroke|stroke-width|stroke-opacity|stroke-dasharray|opacity|text-anchor): [^;]+")


@frozen
class Series:
    """One curve."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int  #: number of the page's colour


def curves(title: str, series: Sequence[Series], across: Callable[[float], str]) -> ET.Element:
    """A picture of curves that only rise, from zero on; ``across`` writes a value of the x axis."""
    # The library takes half a second to load: only pages with curves pay it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"svg.fonttype": "none", "font.size": 8, "path.simplify": True}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.13, 0.15, 0.84, 0.8))
        _dress(axes, across)
        for line in series:
            x, y = _thinned(line.x, line.y)
            colour = _SERIES[line.colour % SERIES_COLOURS]
            axes.plot(x, y, color=colour, linewidth=1.4, drawstyle="steps-post", clip_on=False)
        axes.set_xlim(0, max((max(line.x, default=0) for line in series), default=0) or 1)
        axes.set_ylim(0, (max((max(line.y, default=0) for line in series), default=0) or 1) * 1.06)
        raw = io.StringIO()
        figure.savefig(raw, format="svg", metadata={"Date": None})
    return _of_page(ET.fromstring(raw.getvalue()), title)  # noqa: S314 - what was drawn just now


def _dress(axes: Any, across: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    axes.patch.set_visible(False)
    axes.figure.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.tick_params(length=0, colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(_TICKS, steps=[1, 1.5, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: across(value)))
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    """``1.5k`` for 1500."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def _thinned(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """At most a few hundred points, the last among them."""
    step = max(1, -(-len(x) // _POINTS))
    kept = [*range(0, len(x), step)]
    if kept and kept[-1] != len(x) - 1:
        kept.append(len(x) - 1)
    return [x[at] for at in kept], [y[at] for at in kept]


def _of_page(drawn: ET.Element, title: str) -> ET.Element:
    """The picture without what only a file of its own needs."""
    svg = _bare(drawn)
    box = drawn.attrib["viewBox"]
    svg.attrib.clear()
    svg.attrib.update({"viewBox": box, "role": "img", "aria-label": plain(title), "class": "plot"})
    return svg


def _bare(element: ET.Element) -> ET.Element:
    bare = ET.Element(element.tag.rpartition("}")[2])
    bare.text = element.text if element.text and element.text.strip() else None
    for name, value in element.attrib.items():
        plain_name = name.rpartition("}")[2]
        if plain_name == "style":
            _colour(bare, value)
        elif plain_name not in ("id", "clip-path"):
            bare.set(plain_name, _LONG.sub(r"\1", value))
    for child in element:
        tag = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if tag in ("", "metadata", "defs"):
            continue
        inner = _bare(child)
        if tag != "g" or len(inner):
            bare.append(inner)
    return bare


def _colour(element: ET.Element, style: str) -> None:
    kept = "; ".join(_KEPT.findall(style))
    if kept:
        element.set("style", _COLOUR.sub(lambda match: _PAGE[match[0]], kept))
