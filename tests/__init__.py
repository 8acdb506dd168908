"""The tests; README.md says which test goes where."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["CORPUS", "DEVICES", "KNOWN_BUGS", "ROOT", "TESTS"]

TESTS: Final = Path(__file__).parent
ROOT: Final = TESTS.parent  #: the checkout
CORPUS: Final = ROOT / "corpus"
DEVICES: Final = CORPUS / "devices"
KNOWN_BUGS: Final = CORPUS / "known-bugs"
