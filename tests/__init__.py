"""The tests; README.md says which test goes where."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CORPUS", "DEVICES", "KNOWN_BUGS", "ROOT", "TESTS"]

TESTS = Path(__file__).parent
ROOT = TESTS.parent  #: the checkout
CORPUS = ROOT / "corpus"
DEVICES = CORPUS / "devices"
KNOWN_BUGS = CORPUS / "known-bugs"
