"""The pages: their links lead somewhere, the README is short, the layers are drawn as they are, pictures are local."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests import ROOT

from .pages import PAGES

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _anchors(page: Path) -> set[str]:
    """What headings may be linked as, by GitHub's rule."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text()):
        if "://" in link or link.startswith("../blob/"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_pictures_load_nothing_from_the_network() -> None:
    for picture in (ROOT / "docs" / "pictures").glob("*.svg"):
        addresses = set(re.findall(r"https?://[^\"'\s)]+", picture.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}


def test_the_architecture_page_draws_the_layers_that_lint_checks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    drawing = (ROOT / "docs" / "architecture.md").read_text().partition("Top first")[2].partition("| room |")[0]
    rows = [re.split(r" {2,}", line[4:])[0] for line in drawing.splitlines() if re.match(r" {4}\S", line)]
    drawn = [set(re.findall(r"usbfuzz\.\w+|strategies|harness", row)) for row in rows]
    assert drawn == [set(re.findall(r"[\w.]+", layer)) for layer in layers]
