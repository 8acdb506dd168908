"""The recipes of docs/adding.md, followed to the letter in a copy of the sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from tests import ROOT

from .wheel import PACKAGES

PAGE = ROOT / "docs" / "adding.md"
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(python|toml|diff) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@frozen
class Recipe:
    """One section of the page."""

    title: str
    files: tuple[tuple[str, str], ...]  #: new ones: path and content
    changes: tuple[str, ...]  #: unified diffs
    trials: tuple[str, ...]  #: Python that must run


def _recipes() -> list[Recipe]:
    _, *parts = _SECTION.split(PAGE.read_text())
    return [_recipe(title, text) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def _recipe(title: str, text: str) -> Recipe:
    blocks = _BLOCK.findall(text)
    return Recipe(
        title,
        tuple((path, content) for kind, path, content in blocks if kind != "diff" and path),
        tuple(content for kind, _, content in blocks if kind == "diff"),
        tuple(content for kind, path, content in blocks if kind == "python" and not path),
    )


RECIPES = [recipe for recipe in _recipes() if recipe.trials]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the packages that may be changed."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_works_as_it_is_written(recipe: Recipe, sources: Path) -> None:
    for path, content in recipe.files:
        (sources / path).parent.mkdir(parents=True, exist_ok=True)
        (sources / path).write_text(content)
    for change in recipe.changes:
        _run(sources, "git", "apply", "-", stdin=change)
    for trial in recipe.trials:
        _run(sources, sys.executable, "-c", trial)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_the_files_of_a_recipe_keep_to_the_style_of_the_project(recipe: Recipe, sources: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", sources)
    for path, content in recipe.files:
        if not path.endswith(".py"):
            continue
        (sources / path).parent.mkdir(parents=True, exist_ok=True)
        (sources / path).write_text(content)
        _run(sources, sys.executable, "-m", "ruff", "check", "--no-cache", path)
        _run(sources, sys.executable, "-m", "ruff", "format", "--no-cache", "--check", path)


def test_every_row_of_the_table_has_its_recipe() -> None:
    table, _, rest = PAGE.read_text().partition("\n## ")
    anchors = re.findall(r"\]\(#([\w-]+)\)", table)
    titles = {title.lower().replace(" ", "-") for title in _SECTION.findall("## " + rest)}
    assert set(anchors) == titles


def _run(directory: Path, *words: str, stdin: str = "") -> None:
    environment = {**os.environ, "PYTHONPATH": str(directory), "GIT_CEILING_DIRECTORIES": str(directory.parent)}
    done = subprocess.run(
        words, cwd=directory, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
