"""The tests; README.md says which test goes where."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CASE_FILES", "CORPUS", "DEVICES", "KNOWN_BUGS", "ROOT", "TESTS"]

TESTS = Path(__file__).parent
ROOT = TESTS.parent  #: the checkout
CORPUS = ROOT / "corpus"
DEVICES = CORPUS / "devices"
KNOWN_BUGS = CORPUS / "known-bugs"
#: Every case that is kept.
CASE_FILES = sorted(path for path in CORPUS.glob("*/*.toml") if path.parent.name != "learned")
