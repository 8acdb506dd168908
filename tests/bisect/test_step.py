"""A step of git bisect: what is no tree stops it, what does not build or boot is skipped, and make says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests import KNOWN_BUGS
from usbfuzz.errors import InputError, QemuError
from usbfuzz.jobs.bisect import step as step_module
from usbfuzz.jobs.bisect.build import BuildError, UserTree
from usbfuzz.jobs.bisect.step import Answer, Verdict, step
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown
from usbfuzz.jobs.regress.run import RegressOptions

BUG = Bug.read(KNOWN_BUGS / "quatech2-bulk-null.toml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree whose make notes the targets."""
    (tmp_path / "Makefile").write_text("olddefconfig bzImage modules:\n\t@echo $@ >> made\n")
    (tmp_path / ".config").write_text("CONFIG_USB=y\nCONFIG_MODULES=y\n")
    return tmp_path


def test_image_and_modules_are_made_with_the_configuration_that_is_there(tree: Path) -> None:
    UserTree(tree, jobs=1).build()
    assert (tree / "made").read_text().split() == ["olddefconfig", "bzImage", "modules"]


def test_a_kernel_without_modules_has_none_to_make(tree: Path) -> None:
    (tree / ".config").write_text("# CONFIG_MODULES is not set\n")
    UserTree(tree, jobs=1).build()
    assert (tree / "made").read_text().split() == ["olddefconfig", "bzImage"]


def test_a_given_configuration_is_taken_anew_for_each_build(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = tmp_path_factory.mktemp("mine") / "config"
    mine.write_text("CONFIG_MINE=y\n")
    for _ in range(2):
        UserTree(tree, mine, jobs=1).build()
        assert (tree / ".config").read_text() == "CONFIG_MINE=y\n"
        (tree / ".config").write_text("forgotten by an older commit\n")


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("Makefile", "no kernel tree: there is no Makefile in it"),
        (".config", r"\.config: no such file; configure the tree, or give --config FILE"),
    ],
)
def test_what_is_no_tree_is_said_before_anything_is_built(tree: Path, gone: str, message: str) -> None:
    (tree / gone).unlink()
    with pytest.raises(InputError, match=message):
        UserTree(tree).check()


def test_a_tree_or_a_configuration_that_is_not_there_is_said(tree: Path) -> None:
    with pytest.raises(InputError, match="no such directory; give a kernel tree"):
        UserTree(tree / "nowhere").check()
    with pytest.raises(InputError, match="no such file; give the configuration"):
        UserTree(tree, tree / "nowhere").check()


def test_a_tree_that_does_not_build_is_skipped_and_says_why(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "Makefile").write_text("olddefconfig:\nbzImage:\n\t@echo 'hub.c:1: error: expected ;' >&2; exit 1\n")
    found = asyncio.run(step(BUG, UserTree(tree, jobs=1), RegressOptions(())))
    assert found == Verdict(Answer.SKIP, f"{tree}: does not build: make bzImage modules ended with 2")
    assert "expected ;" in capfd.readouterr().err


def test_a_tree_that_builds_no_kernel_is_skipped(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USBFUZZ_CACHE", str(tree / "cache"))
    found = asyncio.run(step(BUG, UserTree(tree, jobs=1), RegressOptions(())))
    assert found.answer is Answer.SKIP
    assert "bzImage; build it with make" in found.why


@pytest.mark.parametrize(
    ("seen", "any_crash", "fixed", "answer", "why"),
    [
        (Presence("", "", Shown.YES, runs=1), False, False, Answer.NEW, f"crashes: {BUG.title}"),
        (Presence("", "", Shown.YES, runs=1), False, True, Answer.OLD, f"crashes: {BUG.title}"),
        (Presence("", "", Shown.NO, runs=3), False, False, Answer.OLD, "no crash in 3 runs"),
        (Presence("", "", Shown.NO, runs=3), False, True, Answer.NEW, "no crash in 3 runs"),
        (Presence("", "", Shown.OTHER, runs=3, other="hang in f"), False, False, Answer.SKIP, "hang in f; --any takes"),
        (Presence("", "", Shown.OTHER, runs=3, other="hang in f"), True, False, Answer.NEW, "crashes: hang in f"),
        (Presence("", "", Shown.OTHER, runs=3, other="hang in f"), True, True, Answer.OLD, "crashes: hang in f"),
        (Presence("", "", Shown.UNKNOWN, error=BuildError("no boot")), False, False, Answer.SKIP, "no boot"),
    ],
)
def test_what_the_guests_did_is_an_answer_to_git(
    tree: Path, monkeypatch: pytest.MonkeyPatch, seen: Presence, any_crash: bool, fixed: bool, answer: Answer, why: str
) -> None:
    async def found(*_: object, **__: object) -> tuple[Presence, ...]:
        return (seen,)

    monkeypatch.setattr(step_module, "find_presence", found)
    verdict = asyncio.run(step(BUG, UserTree(tree, jobs=1), RegressOptions(()), any_crash=any_crash, fixed=fixed))
    assert verdict.answer is answer
    assert why in verdict.why


def test_what_is_wrong_with_this_machine_is_no_answer(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*_: object, **__: object) -> tuple[Presence, ...]:
        return (Presence("", "", Shown.UNKNOWN, error=QemuError("no QEMU")),)

    monkeypatch.setattr(step_module, "find_presence", found)
    with pytest.raises(QemuError, match="no QEMU"):
        asyncio.run(step(BUG, UserTree(tree, jobs=1), RegressOptions(())))
