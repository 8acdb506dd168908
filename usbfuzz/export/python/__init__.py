"""Devices as Python classes: from bytes to code."""

from __future__ import annotations

from .module import render_python

__all__ = ["render_python"]
