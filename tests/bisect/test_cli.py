"""What a bisection says on the terminal, and its exit status."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import usbfuzz.cli.bisect as command
from tests import KNOWN_BUGS
from usbfuzz.cli import cli
from usbfuzz.errors import BootError
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown
from usbfuzz.jobs.regress.run import RegressOptions

CASE = str(KNOWN_BUGS / "quatech2-bulk-null.toml")
_WORDS = {"+": Shown.YES, "-": Shown.NO, "?": Shown.UNKNOWN, "!": Shown.OTHER}


@pytest.fixture
def bisect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command on kernels ``k0``, ``k1`` … each of which does what a letter says."""
    monkeypatch.setenv("USBFUZZ_CACHE", str(tmp_path))

    def run(kernels: str, *words: str) -> Result:
        async def find(
            _: Bug, options: RegressOptions, *, on_found: Callable[[Presence], None], **__: object
        ) -> list[Presence]:
            found = [_presence(name, _WORDS[kernels[int(name[1:])]]) for name in options.kernels]
            for presence in found:
                on_found(presence)
            return found

        monkeypatch.setattr(command, "find_presence", find)
        named = [word for number in range(len(kernels)) for word in ("--kernel", f"k{number}")]
        return CliRunner().invoke(cli, ["bisect", CASE, *named, *words], standalone_mode=False)

    return run


def _presence(name: str, shown: Shown) -> Presence:
    error = BootError("the kernel panicked") if shown is Shown.UNKNOWN else None
    return Presence(name, name, shown, other="hang in f" if shown is Shown.OTHER else "", error=error)


@pytest.mark.parametrize(
    ("kernels", "line", "status"),
    [
        ("--++", "last good k1, first bad k2", 0),
        ("++--", "last bad k1, first good k2", 0),
        ("+??-", "last bad k0, first good k3; in between, not known: k1, k2", 0),
        ("++++", "it came on all kernels that could be run (2): it was there before, and is not fixed", 1),
        ("----", "it came on none of the kernels that could be run (4): nothing to search between", 1),
        ("????", "no kernel could be run: nothing is known", 1),
    ],
)
def test_what_was_found_is_a_line_and_a_status(
    bisect: Callable[..., Result], kernels: str, line: str, status: int
) -> None:
    done = bisect(kernels)
    assert done.stdout.splitlines()[-1] == line
    assert done.return_value == status


def test_each_kernel_is_told_as_it_comes_and_listed_in_the_end(bisect: Callable[..., Result]) -> None:
    done = bisect("+?!-")
    assert "usbfuzz: k0: crashes\n" in done.stderr
    assert "usbfuzz: k1: not known: the kernel panicked\n" in done.stderr
    assert "usbfuzz: k2: crashes otherwise: hang in f\n" in done.stderr
    rows = re.findall(r"(k\d) +\S (crashes otherwise|crashes|clean|not known)", done.stdout)
    assert rows == [("k0", "crashes"), ("k1", "not known"), ("k2", "crashes otherwise"), ("k3", "clean")]


def test_any_crash_counts_when_that_is_wanted(bisect: Callable[..., Result]) -> None:
    assert bisect("!-", "--any").stdout.splitlines()[-1] == "last bad k0, first good k1"
