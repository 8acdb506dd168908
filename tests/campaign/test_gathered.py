"""How much code the lanes have reached so far, of files that they write over and over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.made import blocks
from usbfuzz.coverage import BLOCKS_FILE, distinct_in, write_blocks
from usbfuzz.jobs.campaign.gathered import Gathered
from usbfuzz.jobs.campaign.progress import Extent


def test_of_nothing_there_is_no_extent(tmp_path: Path) -> None:
    assert Gathered(tmp_path, None).extent() is None


def test_a_block_that_several_have_reached_counts_once(tmp_path: Path) -> None:
    gathered = Gathered(tmp_path, None)
    write_blocks(tmp_path / BLOCKS_FILE, blocks([2, 4], owner="case-000001"))
    write_blocks(tmp_path / "lane-1.tsv", blocks([2, 6]))
    assert gathered.extent() == Extent(blocks=3, modules=1)
    write_blocks(tmp_path / "lane-2.tsv", blocks([6, 7]))
    assert gathered.extent() == Extent(blocks=4, modules=2)
    gathered.finish()
    everything = gathered.everything()
    assert everything is not None
    assert (len(everything), len(everything.modules)) == (4, 2)
    assert str(gathered.extent()) == "4 blocks of 2 modules reached"


def test_a_file_that_is_as_it_was_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = Gathered(tmp_path, None)
    write_blocks(tmp_path / "lane-1.tsv", blocks([1, 2]))
    write_blocks(tmp_path / "lane-2.tsv", blocks([3]))
    gathered.extent()
    read: list[str] = []

    def noted(path: Path) -> set[str]:
        read.append(path.name)
        return distinct_in(path)

    monkeypatch.setattr("usbfuzz.jobs.campaign.gathered.distinct_in", noted)
    write_blocks(tmp_path / "lane-2.tsv", blocks([3, 4]))
    assert gathered.extent() == Extent(blocks=4, modules=2)
    assert read == ["lane-2.tsv"]
    (tmp_path / "lane-1.tsv").unlink()
    assert gathered.extent() == Extent(blocks=4, modules=2)
