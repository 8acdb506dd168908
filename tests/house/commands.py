"""The commands that pages and recipes show, and whether the command line knows them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from usbfuzz.cli import cli

__all__ = ["in_recipe", "on_page", "unknown_in"]

#: On a page: a line of code, or a word of code in a sentence.
_ON_PAGE = re.compile(r"^    (?:\$ )?usbfuzz (.+)$|`usbfuzz ([a-z][^`]*)`", re.MULTILINE)
#: In a recipe: where a shell begins a command, or what a container is told.
_IN_RECIPE = re.compile(r"(?:^ *|^step |run: |\$\(|script:\n *- |^ *- )usbfuzz ([a-z-]+.*)$", re.MULTILINE)
_SUBSTITUTION = re.compile(r"\$\((?!usbfuzz)[^()]*\)")
_OPTION = re.compile(r"--[a-z][a-z-]*|-[a-zA-Z]")
_END = {"#", "|", "&&", ";", "…", ">"}


def on_page(text: str) -> Iterator[str]:
    """What stands behind ``usbfuzz`` wherever a page in Markdown shows a command."""
    for line, inline in _ON_PAGE.findall(text):
        yield line or inline


def in_recipe(text: str) -> Iterator[str]:
    """What stands behind ``usbfuzz`` wherever a shell is told to run it; comments are none."""
    yield from _IN_RECIPE.findall(re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE))


def unknown_in(command: str) -> list[str]:
    """What of a command the command line does not know: its subcommand, or options; also those that a shell adds."""
    words = _words(command)
    known: click.Command = cli
    context = click.Context(cli)
    parameters: list[click.Parameter] = []
    while isinstance(known, click.Group):
        # A list of commands, "kernel list|add|rm", is held against the last; all of them must exist.
        names = words[0].split("|") if words else []
        if len(names) > 1 and (bad := [name for name in names if known.get_command(context, name) is None]):
            return bad
        inner = known.get_command(context, names[-1]) if names else None
        if words and inner is None and not _runs_alone(known):
            return words[:1]
        parameters += known.get_params(context)
        words = words[1:] if inner else words
        chosen = inner or known.get_command(context, "list")
        if chosen is None:
            break
        known = chosen
    parameters += known.get_params(context)
    options = {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if _OPTION.fullmatch(word) and word not in options]


def _runs_alone(group: click.Group) -> bool:
    """Whether a group that is called without one of its commands is a command itself, or means its ``list``."""
    return group is not cli and (group.invoke_without_command or type(group) is not click.Group)


def _words(command: str) -> list[str]:
    """The words up to where another command or a comment begins, options without their values."""
    added = [
        option for inner in _SUBSTITUTION.findall(command) for option in re.findall(r"(?<![\w-])--[a-z]+\b", inner)
    ]
    plain = _SUBSTITUTION.sub("", command)
    try:
        words = shlex.split(plain)
    except ValueError:  # an apostrophe in a comment
        words = plain.split()
    end = next((place for place, word in enumerate(words) if word in _END or word == "--"), len(words))
    return [word.partition("=")[0].rstrip(")") for word in (*words[:end], *added)]
