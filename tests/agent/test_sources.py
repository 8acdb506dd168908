"""The agent's sources: they compile without a warning, and use each other in one direction, as agent.h has them."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.guest.image.programs import AGENT
from tests import ROOT

SOURCES = ROOT / "harness/guest/agent"
FLAGS = ("-O2", "-pthread", "-Wall", "-Wextra", "-Werror")
#: A file in the drawing at the top of agent.h.
FILE = re.compile(r"\b(\w+\*?)\.c {2,}")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("agent")
    AGENT.write_headers(directory)
    subprocess.run(["cc", "-c", "-I.", *FLAGS, *map(str, sorted(SOURCES.glob("*.c")))], cwd=directory, check=True)
    return sorted(directory.glob("*.o"))


def _symbols(path: Path) -> tuple[set[str], set[str]]:
    """What an object file defines for others, and what it needs of them."""
    listing = subprocess.run(["nm", "-g", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split()[-2:] for line in listing.splitlines()]
    needed = {name for kind, name in rows if kind == "U"}
    return {name for _, name in rows} - needed, needed


def test_the_agent_compiles_and_links_without_a_warning(objects: list[Path], tmp_path: Path) -> None:
    subprocess.run(["cc", "-static", "-pthread", "-o", tmp_path / "agent", *objects], check=True)


def test_each_file_uses_only_files_that_stand_before_it(objects: list[Path]) -> None:
    order = FILE.findall((SOURCES / "agent.h").read_text().partition("#ifndef")[0])
    rank = {path.stem: max(n for n, name in enumerate(order) if fnmatchcase(path.stem, name)) for path in objects}
    assert set(rank.values()) == set(range(len(order)))
    symbols = {path.stem: _symbols(path) for path in objects}
    owner = {name: stem for stem, (defined, _) in symbols.items() for name in defined}
    uses = {(stem, owner[name]) for stem, (_, needed) in symbols.items() for name in needed if name in owner}
    assert {(user, used) for user, used in uses if rank[used] >= rank[user]} == set()
