"""What does not belong in a corpus, is broken or half written: one line each, and the rest is used."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import dumps
from usbfuzz.corpus import Corpus, Reader, entry_path, keep, name_of, names_in, read_case
from usbfuzz.corpus.lock import held
from usbfuzz.errors import CaseError, InputError, StorageError

from .made import KERNEL, RELEASE, blocks, case, numbers

TSV, TRIED = "debian_5.10.223-1.tsv", "debian_5.10.223-1.tried"


def _open(directory: Path, said: list[str]) -> Corpus:
    return Corpus.open(directory, KERNEL, RELEASE, said.append)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One case with two blocks, and a seed that was tried."""
    made = _open(tmp_path / "corpus", [])
    made.add(case(1), blocks([1, 2]))
    made.tried(keep(tmp_path / "corpus", case(2))[0])
    made.flush()
    return tmp_path / "corpus"


def test_foreign_files_are_named_and_left_alone(corpus: Path) -> None:
    for name in ("notes.txt", "cases/readme", "cases/case-000001.toml", "cases/0123.toml"):
        (corpus / name).write_text("x")
    linked, folder = "a" * 16, "b" * 16
    (corpus / "cases" / f"{linked}.toml").symlink_to("/etc/passwd")
    (corpus / "cases" / f"{folder}.toml").mkdir()
    said: list[str] = []
    assert _open(corpus, said).names == {name_of(case(1)), name_of(case(2))}
    assert said == [
        f"{corpus}: left out, as of no corpus: notes.txt",
        f"{corpus}/cases: left out, as of no corpus: 0123.toml, {linked}.toml, {folder}.toml, case-000001.toml, readme",
    ]
    assert (corpus / "notes.txt").read_text() == "x"


def test_many_foreign_files_are_counted(corpus: Path) -> None:
    for number in range(9):
        (corpus / "cases" / f"\x1b{number}").touch()
    said: list[str] = []
    _open(corpus, said)
    assert said == [
        f"{corpus}/cases: left out, as of no corpus: '\\x1b0', '\\x1b1', '\\x1b2', '\\x1b3', '\\x1b4' and 4 more"
    ]


@pytest.mark.parametrize("file", ["", "format = 1\n", "format = 2\n", "\0", "format = 1\n[[device]]\nname='x'"])
def test_a_broken_case_is_told_once_and_left_out(corpus: Path, file: str) -> None:
    path = entry_path(corpus, name_of(case(1)))
    path.write_text(file)
    said: list[str] = []
    opened = _open(corpus, said)
    assert opened.case(path.stem) is None
    assert opened.case(path.stem) is None
    assert len(said) == 1
    assert said[0].startswith(f"left out of the corpus: {path}")
    assert opened.names == {name_of(case(2))}


def test_a_case_that_was_changed_by_hand_is_told_with_what_to_do(corpus: Path) -> None:
    path = entry_path(corpus, name_of(case(1)))
    path.write_text(dumps(case(7)))
    with pytest.raises(CaseError, match=rf"{path.name}: was changed: what it does now has the name {name_of(case(7))}"):
        read_case(corpus, path.stem)


def test_a_broken_case_that_is_reached_again_is_written_again(corpus: Path) -> None:
    path = entry_path(corpus, name_of(case(1)))
    path.write_text("half")
    opened = _open(corpus, [])
    assert opened.add(case(1), blocks([5])) == path.stem
    assert opened.case(path.stem) == case(1)
    assert path.stem in opened.names


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "A" * 16, "a" * 15, "a" * 17, "a" * 16 + "\n"])
def test_no_name_leads_out_of_the_corpus(corpus: Path, name: str) -> None:
    with pytest.raises(CaseError, match="is no name of a case in a corpus; give 16 hex digits"):
        read_case(corpus, name)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# usbfuzz coverage 2\n",
        b"\xff\n",
        b"# usbfuzz coverage 1\n# kernel debian:6.1\n# release 6\n",
        b"# usbfuzz coverage 1\n# kernel debian:5.10.223-1\n# release other\n",
    ],
)
def test_blocks_that_cannot_be_read_are_put_aside_and_the_cases_run_again(corpus: Path, content: bytes) -> None:
    (corpus / TSV).write_bytes(content)
    said: list[str] = []
    opened = _open(corpus, said)
    assert len(said) == 1
    assert said[0].startswith(f"left out of the corpus: {corpus / TSV}")
    assert said[0].endswith(f"; it is {TSV}.old now")
    assert (corpus / f"{TSV}.old").read_bytes() == content
    assert opened.unrun == [name_of(case(1))]
    opened.add(case(1), blocks([1]))
    opened.flush()
    assert numbers(_open(corpus, []).blocks) == {1}


@pytest.mark.parametrize("content", [b"", b"x\n", b"# usbfuzz tried 2\n# kernel a\n# release b\n", b"\xff"])
def test_tried_cases_that_cannot_be_read_run_again(corpus: Path, content: bytes) -> None:
    (corpus / TRIED).write_bytes(content)
    said: list[str] = []
    opened = _open(corpus, said)
    assert [line.partition("; it is ")[2] for line in said] == [f"{TRIED}.old now"]
    assert opened.unrun == [name_of(case(2))]


def test_a_link_is_not_followed(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((corpus / TSV).read_bytes())
    (corpus / TSV).unlink()
    (corpus / TSV).symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    assert len(_open(corpus, said)) == 0
    assert said == [f"left out of the corpus: {corpus / TSV}: is no regular file; it is {TSV}.old now"]


def test_what_breaks_while_a_campaign_runs_is_written_again(corpus: Path) -> None:
    said: list[str] = []
    opened = _open(corpus, said)
    (corpus / TSV).write_text("# usb")
    opened.add(case(3), blocks([9]))
    opened.flush()
    assert len(said) == 1
    assert numbers(_open(corpus, []).blocks) == {1, 2, 9}


@given(cut=st.integers(0, 400), byte=st.integers(0, 255), name=st.sampled_from([TSV, TRIED]))
def test_a_damaged_file_costs_no_case(cut: int, byte: int, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("damaged") / "corpus"
    made = _open(directory, [])
    made.add(case(1), blocks([1, 2]))
    made.tried(keep(directory, case(2))[0])
    made.flush()
    raw = bytearray((directory / name).read_bytes())
    raw[cut % len(raw)] = byte
    (directory / name).write_bytes(raw[: len(raw) - cut % 3])
    opened = _open(directory, [])
    opened.add(case(3), blocks([4]))
    opened.flush()
    assert 4 in numbers(_open(directory, []).blocks)
    assert names_in(directory) == {name_of(case(number)) for number in (1, 2, 3)}


def test_what_a_killed_writer_left_goes_after_a_while(corpus: Path) -> None:
    old, young = corpus / "cases" / ".saving-a", corpus / ".saving-b"
    old.write_text("half")
    young.write_text("half")
    hours_ago = time.time() - 7200
    os.utime(old, (hours_ago, hours_ago))
    said: list[str] = []
    _open(corpus, said)
    assert said == []
    assert (old.exists(), young.exists()) == (False, True)


def test_other_directories_are_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(InputError, match=r"photos: is no corpus: it holds other things, and no directory cases/"):
        _open(tmp_path / "photos", [])
    (tmp_path / "coverage" / "cases").mkdir(parents=True)
    (tmp_path / "coverage" / "blocks.tsv").touch()
    with pytest.raises(InputError, match=r"is the coverage of a campaign; make a corpus of it: usbfuzz corpus merge"):
        _open(tmp_path / "coverage", [])
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "cases").symlink_to(tmp_path / "coverage" / "cases")
    with pytest.raises(InputError, match="is no corpus"):
        _open(tmp_path / "linked", [])
    (tmp_path / "empty").mkdir()
    assert _open(tmp_path / "empty", []).names == set()


def test_a_place_where_nothing_can_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((StorageError, InputError), match="null/corpus: "):
        _open(Path("/dev/null/corpus"), [])


def test_a_lock_that_is_never_given_back_is_an_error(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usbfuzz.corpus.lock._PATIENCE_S", 0.1)
    opened = _open(corpus, [])
    opened.add(case(3), blocks([7]))
    with held(corpus), pytest.raises(StorageError, match="has been locked by another process"):
        opened.flush()
    opened.flush()
    assert numbers(_open(corpus, []).blocks) == {1, 2, 7}


def test_a_reader_gives_each_case_once(corpus: Path) -> None:
    said: list[str] = []
    reader = Reader(corpus, said.append)
    assert dict(reader.news()) == {name_of(case(number)): case(number) for number in (1, 2)}
    assert reader.news() == []
    keep(corpus, case(3))
    path = entry_path(corpus, name_of(case(4)))
    path.write_text("half")
    assert reader.news() == [(name_of(case(3)), case(3))]
    assert reader.news() == []
    assert len(said) == 1
    path.write_text(dumps(case(4)))
    assert reader.news() == [(name_of(case(4)), case(4))]
    assert len(said) == 1


def test_a_reader_gives_some_at_a_time_when_it_is_asked_to(corpus: Path) -> None:
    reader = Reader(corpus)
    assert [len(reader.news(1)) for _ in range(3)] == [1, 1, 0]


def test_a_reader_of_what_is_not_there_yet_waits(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "corpus")
    assert reader.news() == []
    _open(tmp_path / "corpus", [])
    keep(tmp_path / "corpus", case(1))
    assert len(reader.news()) == 1
