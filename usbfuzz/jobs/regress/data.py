"""The matrix as JSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

from usbfuzz.reading import plain

from .matrix import Cell, Matrix
from .words import details, excerpt

__all__ = ["FORMAT", "to_json"]

FORMAT = 1


def to_json(matrix: Matrix) -> str:
    """One document: kernels, and cells that name their case and kernel."""
    kernels = [
        {"spec": column.spec, "name": column.name, "release": column.release, "error": _error(column.error)}
        for column in matrix.columns
    ]
    document = {
        "format": FORMAT,
        "seconds": round(matrix.seconds, 3),
        "exit_status": matrix.exit_code,
        "kernels": kernels,
        "cells": [_cell(cell) for cell in matrix.cells],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(cell: Cell) -> dict[str, Any]:
    last = cell.runs[-1] if cell.runs else None
    return {
        "case": plain(cell.entry.name),
        "file": plain(str(cell.entry.path)),
        "kernel": cell.column.name,
        "status": cell.status.value,
        "title": plain(cell.finding.title) if cell.finding else "",
        "expected": cell.expected.title if cell.expected else None,
        "details": list(details(cell)),
        "report": excerpt(cell),
        "error": _error(cell.error),
        "drivers": list(last.drivers) if last else [],
        "log": list(map(plain, last.log)) if last else [],
        "userspace": list(map(plain, last.userspace)) if last and last.userspace is not None else None,
        "runs": [{"title": plain(seen.title), "seconds": round(seen.seconds, 3)} for seen in cell.runs],
        "seconds": round(cell.seconds, 3),
    }


def _error(error: Exception | None) -> str | None:
    return None if error is None else plain(str(error))
