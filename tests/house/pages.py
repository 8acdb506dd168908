"""The pages of the project."""

from __future__ import annotations

import subprocess

from tests import ROOT

__all__ = ["PAGES"]

_LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]

#: Every Markdown file of the checkout.
PAGES = sorted(
    ROOT / name
    for name in set(subprocess.run(_LISTED, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    if (ROOT / name).exists()
)
