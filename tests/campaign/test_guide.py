"""What a campaign makes of what its lanes tell: the corpus, and what is tried next."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from usbfuzz.case.model import Provenance
from usbfuzz.corpus import Corpus
from usbfuzz.coverage import Block as CodeBlock
from usbfuzz.coverage import Blocks
from usbfuzz.errors import StorageError
from usbfuzz.jobs.campaign.database import Database
from usbfuzz.jobs.campaign.guide import Guide
from usbfuzz.jobs.campaign.history import HISTORY_SCHEMA, History
from usbfuzz.jobs.campaign.messages import Block, Ran, Reached, RoundDone
from usbfuzz.jobs.engine.plan import Source

from .pretend import case, config

_MODULES = ("usbhid", "uvcvideo")


def _guide(directory: Path, said: list[str] | None = None) -> Guide:
    database = Database.open(directory / "campaign.sqlite", HISTORY_SCHEMA)
    history = History.open(database, 1)
    return Guide.open(
        directory / "corpus",
        directory / "learned",
        config(),
        _MODULES,
        history,
        (said if said is not None else []).append,
    )


def _reached(number: int, *offsets: int, source: Source = Source.HAVOC) -> Reached:
    blocks = tuple(CodeBlock("usbhid", ".text", offset, 4) for offset in offsets)
    return Reached(source, "usbhid", case(number), blocks)


def _done(*indices: int, ran: tuple[Ran, ...] = ()) -> RoundDone:
    return RoundDone(indices, None, 0, 0, 0, 0.1, 0, 0, 0.0, (), (), ran=ran)


def test_a_case_that_reached_something_new_is_kept_and_credited(tmp_path: Path) -> None:
    guide = _guide(tmp_path)
    assert guide.reached(_reached(1, 0, 4, 8)) == 3
    assert guide.reached(_reached(2, 0, 4)) == 0
    assert guide.reached(_reached(3, 8, 12)) == 1
    assert len(guide.corpus.names) == 2
    account = guide.yields.sources[Source.HAVOC]
    assert account.blocks == 4


def test_cases_of_the_corpus_that_this_kernel_has_not_seen_come_first_and_once(tmp_path: Path) -> None:
    other = Corpus.open(tmp_path / "corpus", "debian:6.1.1-1", "6.1.0", print)
    for number in range(3):
        other.add(case(number), _of("debian:6.1.1-1", "6.1.0", number))
    other.flush()
    guide = _guide(tmp_path)
    first, second = guide.planned(Block((0, 1))), guide.planned(Block((2, 3)))
    assert (len(first.corpus), len(second.corpus)) == (2, 1)
    assert {*first.corpus, *second.corpus} == other.names
    guide.round_done(_done(0, 1, 2, 3))
    guide.flush()
    assert not _guide(tmp_path).planned(Block((0, 1))).corpus


def test_what_did_not_run_is_tried_by_the_next_run(tmp_path: Path) -> None:
    other = Corpus.open(tmp_path / "corpus", "debian:6.1.1-1", "6.1.0", print)
    other.add(case(1), _of("debian:6.1.1-1", "6.1.0", 1))
    other.flush()
    guide = _guide(tmp_path)
    assert guide.planned(Block((0, 1))).corpus
    guide.flush()
    assert _guide(tmp_path).planned(Block((0, 1))).corpus


def test_what_sources_brought_is_kept_over_runs(tmp_path: Path) -> None:
    guide = _guide(tmp_path)
    guide.reached(_reached(1, 0, 4))
    guide.found(evolve(case(1), provenance=Provenance(strategy="havoc")))
    guide.round_done(_done(0, ran=(Ran(Source.HAVOC, "usbhid", 3, 0.6),)))
    guide.flush()
    account = _guide(tmp_path).yields.sources[Source.HAVOC]
    assert (account.cases, account.seconds, account.blocks, account.bugs) == (3, 0.6, 2, 1)


def test_a_full_disk_is_said_once_and_nothing_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    guide = _guide(tmp_path, said)

    def full(*_: object) -> str:
        raise StorageError("corpus/cases: cannot be written: No space left on device; make room there")

    monkeypatch.setattr(Corpus, "add", full)
    assert guide.reached(_reached(1, 0)) == 0
    assert guide.reached(_reached(2, 4)) == 0
    assert len(said) == 1
    assert "No space left" in said[0]


def _of(kernel: str, release: str, number: int) -> Blocks:
    return Blocks.of(kernel, release, [CodeBlock("usbhid", ".text", 4 * number, 4)])
