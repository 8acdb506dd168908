"""The matrix as JUnit XML: a test suite for each kernel, a test case for each case.

This is what CI systems have in common (Ant's format, as Jenkins and GitLab read it): a case without a child element
passed, one with a ``failure`` differs, one with an ``error`` could not be run.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from usbfuzz.reading import plain

from .matrix import Cell, Column, Matrix, Status
from .words import again, details, excerpt, short

__all__ = ["junit"]


def junit(matrix: Matrix) -> bytes:
    """The matrix as an XML document in UTF-8."""
    whole = {"name": "usbfuzz regress", **_counts(matrix.cells), "time": f"{matrix.seconds:.3f}"}
    root = ET.Element("testsuites", whole)
    for column in matrix.columns:
        root.append(_suite(column, tuple(cell for cell in matrix.cells if cell.column is column)))
    ET.indent(root)
    document: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(column: Column, cells: tuple[Cell, ...]) -> ET.Element:
    seconds = sum(cell.seconds for cell in cells)
    counts = {**_counts(cells), "skipped": "0", "time": f"{seconds:.3f}"}
    suite = ET.Element("testsuite", {"name": plain(column.name), **counts})
    properties = ET.SubElement(suite, "properties")
    for name, value in (("kernel", column.name), ("release", column.release)):
        ET.SubElement(properties, "property", name=name, value=plain(value))
    suite.extend(map(_case, cells))
    return suite


def _case(cell: Cell) -> ET.Element:
    name, file = plain(cell.entry.name), plain(str(cell.entry.path))
    case = ET.Element("testcase", classname=plain(cell.column.name), name=name, file=file, time=f"{cell.seconds:.3f}")
    lines = list(details(cell))
    if not cell.status.good:
        kind = "error" if cell.status is Status.ERROR else "failure"
        child = ET.SubElement(case, kind, type=cell.status.value, message=lines[0] if lines else short(cell))
        child.text = "\n".join([*lines, "", excerpt(cell), "", plain(again(cell))])
    elif lines:
        ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _counts(cells: tuple[Cell, ...]) -> dict[str, str]:
    errors = sum(cell.status is Status.ERROR for cell in cells)
    failures = sum(not cell.status.good for cell in cells) - errors
    return {"tests": str(len(cells)), "failures": str(failures), "errors": str(errors)}
