"""Bugs joined and parted by hand, and later campaigns that respect it."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from tests.campaign.pretend import report
from usbfuzz.cli.crashes import crashes
from usbfuzz.crashes.causes import Causes
from usbfuzz.crashes.companions import Companion, Place
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.crashes.record import Crash, How, read_crashes
from usbfuzz.errors import InputError, StorageError

from .saving import evidence, store_in


def _of(title: str, guilty: str = "wacom") -> Evidence:
    return evidence(report=evolve(report(title, module=guilty), guilty=guilty), how=How.ALONE, hits=3, runs=3)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    store = store_in(tmp_path)
    for title in ("oops in a", "oops in b", "oops in c"):
        store.sighted(_of(title))
    return tmp_path


def _run(*words: str) -> str:
    return CliRunner().invoke(crashes, list(words), catch_exceptions=False, standalone_mode=False).output


def _merged(found: Path) -> Crash:
    _run("merge", "oops-in-a", "oops-in-b", "oops-in-c", "--in", str(found))
    (bug,) = read_crashes(found).values()
    return bug


def test_merging_leaves_one_directory_that_lists_and_holds_the_others(found: Path) -> None:
    bug = _merged(found)
    assert bug.title == "oops in a"
    assert {(row.title, row.where) for row in bug.manifestations} == {
        ("oops in b", "merged by hand"),
        ("oops in c", "merged by hand"),
    }
    assert sorted(path.name[:9] for path in (found / bug.slug / "also").iterdir()) == ["oops-in-b", "oops-in-c"]


def test_a_later_campaign_counts_what_was_merged_with_its_bug(found: Path) -> None:
    bug = _merged(found)
    store = store_in(found)
    known, new = store.sighted(_of("oops in b"))
    assert (known.slug, new) == (bug.slug, False)
    assert {row.title: row.count for row in known.manifestations} == {"oops in b": 2, "oops in c": 1}


def test_a_merge_is_of_reports_that_blame_the_same_driver(found: Path) -> None:
    _merged(found)
    assert store_in(found).sighted(_of("oops in b", "hid_elo"))[1]


def test_splitting_undoes_a_merge_and_keeps_campaigns_from_joining_them_again(found: Path) -> None:
    bug = _merged(found)
    _run("split", bug.slug, "oops in b", "--in", str(found))
    after = read_crashes(found)
    assert {crash.title for crash in after.values()} == {"oops in a", "oops in b"}
    assert [row.title for row in after[bug.slug].manifestations] == ["oops in c"]
    store = store_in(found)
    again, new = store.sighted(_of("oops in b"))
    assert (again.title, new, again.reproduced) == ("oops in b", False, 3)
    Causes(store).shown(again.slug, [Companion(_of("oops in a").report, Place.BEFORE)])
    assert again.slug in store.crashes


def test_what_never_had_a_directory_gets_one_with_the_case_that_led_to_it(found: Path) -> None:
    store = store_in(found)
    slug = next(slug for slug, crash in store.crashes.items() if crash.title == "oops in a")
    store.manifested(slug, Manifestation.of(report("BUG: Bad page state"), Where.AFTER))
    store.flush()
    _run("split", slug, "BUG: Bad page state", "--in", str(found))
    own = next(crash for crash in read_crashes(found).values() if crash.title == "BUG: Bad page state")
    assert (own.reproduced, own.total, own.standing.value) == (0, 1, "evidence")
    assert "BUG: Bad page state" in (found / own.slug / "report.txt").read_text()


def test_a_merge_after_a_split_is_the_last_word(found: Path) -> None:
    bug = _merged(found)
    _run("split", bug.slug, "oops in b", "--in", str(found))
    _run("merge", bug.slug, "oops-in-b", "--in", str(found))
    assert store_in(found).sighted(_of("oops in b"))[0].slug == bug.slug


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("merge", "oops-in-a", "oops-in-a"), "name two that differ"),
        (("merge", "oops-in-a", "nothing"), "nothing: no such crash"),
        (("split", "oops-in-a", "oops in b"), r"does not list 'oops in b'; what it lists: none"),
    ],
)
def test_wrong_names_are_one_sentence(found: Path, words: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        _run(*words, "--in", str(found))
    assert len(read_crashes(found)) == 3


def test_a_directory_that_is_not_there_and_one_that_is_in_use_are_refused(found: Path) -> None:
    with pytest.raises(InputError, match="give the one a campaign saved crashes in"):
        _run("merge", "a", "b", "--in", str(found / "no"))
    with DirectoryLock.acquire(found), pytest.raises(StorageError, match="a campaign is running"):
        _run("merge", "oops-in-a", "oops-in-b", "--in", str(found))


@pytest.mark.parametrize("text", ["together = 5", "[[together]]\nbug = 5", "x"])
def test_a_file_of_decisions_that_is_broken_says_what_to_do(found: Path, text: str) -> None:
    (found / "by-hand.toml").write_text(text)
    with pytest.raises(InputError, match=r"by-hand.toml: is not what .* delete it"):
        store_in(found)
