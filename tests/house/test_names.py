"""What the pages name exists: files, modules, commands with their options, make targets."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests import ROOT
from usbfuzz.cli import cli

from .pages import PAGES

HISTORY = "CHANGELOG.md"  #: names what is gone, too
#: Where paths of other projects begin: the kernel's, QEMU's, a system's.
FOREIGN = (
    "drivers/",
    "include/",
    "hw/",
    "init/",
    "kernel/",
    "scripts/get_maintainer",
    "Documentation/",
    "lib/modules",
    "sound/",
)
#: Of the reader, or made by a command.
MADE = ("corpus/devices/their-headset.toml", "crashes/", "night/")

PATH = re.compile(r"(?<![\w/.$~-])((?:[\w.-]+/)+[\w.-]+\.(?:py|c|h|toml|md|yml|svg|log))(?![\w/])")
MADE_BY_PAGE = re.compile(r"^```(?:python|toml) (\S+)$", re.MULTILINE)  #: files that a recipe has the reader make
DIFF = re.compile(r"^```diff$.*?^```$", re.MULTILINE | re.DOTALL)
MODULE = re.compile(r"`((?:usbfuzz|harness|strategies)(?:\.\w+)+)`")
#: Not modules: the agent's port, and its words on the kernel command line.
WORDS = {"usbfuzz.agent", "usbfuzz.modules", "usbfuzz.shell"}
COMMAND = re.compile(r"^(?:\s*\$ |\s{4,})?(?:\.venv/bin/)?(usbfuzz [a-z].*)$")
INLINE = re.compile(r"`(usbfuzz [a-z][^`]*)`")
TARGET = re.compile(r"(?:^\s{4,}(?:\$ )?|`)make ((?:[a-z-]+ ?)+)", re.MULTILINE)


@pytest.fixture(params=[page for page in PAGES if page.name != HISTORY], ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_the_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    given = {*MADE_BY_PAGE.findall(text)}
    missing = []
    for name in PATH.findall(DIFF.sub("", text)):
        if name in given or name.startswith((*FOREIGN, *MADE)) or Path(name).stem.isupper():
            continue
        if not ((ROOT / name).exists() or (page.parent / name).exists()):
            missing.append(name)
    assert missing == []


def test_the_modules_that_a_page_names_exist(page: Path) -> None:
    missing = [name for name in MODULE.findall(page.read_text()) if name not in WORDS and not _importable(name)]
    assert missing == []


def _importable(name: str) -> bool:
    """Whether it is a module, or something in one."""
    parent, _, last = name.rpartition(".")
    try:
        if importlib.util.find_spec(name) is not None:
            return True
        return hasattr(importlib.import_module(parent), last)
    except ModuleNotFoundError:
        return bool(parent) and "." in parent and _importable(parent)


def test_the_commands_that_a_page_shows_exist_with_their_options(page: Path) -> None:
    wrong = [line for line in _commands(page.read_text()) if not _accepted(line)]
    assert wrong == []


def _commands(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("    ") and (shown := COMMAND.match(line)):
            yield shown[1]
        yield from INLINE.findall(line)


def _accepted(line: str) -> bool:
    """Whether each subcommand and option in ``line`` is one of the command's."""
    words = shlex.split(line.partition("#")[0].replace("…", " "), posix=False)[1:]
    command: click.Command = cli
    context = click.Context(cli)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    if command is cli:
        return words == ["--version"]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    words = words[: words.index("--")] if "--" in words else words  # what is behind it is another command's
    given = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    return given <= options | {"--help"}


def test_the_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for words in TARGET.findall(page.read_text()) for word in words.split()}
    assert named - targets == set()
