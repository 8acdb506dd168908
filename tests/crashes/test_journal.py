"""Files to which lines are appended."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.errors import StorageError
from usbfuzz.journal import Journal

HEAD = {"of": "a test"}
_LINES = st.lists(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=8), max_size=3), max_size=8)


def _written(path: Path, lines: list[dict[str, object]]) -> None:
    journal = Journal(path, HEAD)
    journal.open(new=True)
    for line in lines:
        journal.append(line)
    journal.close(done=False)


@given(_LINES, st.data())
def test_whatever_is_cut_off_the_whole_lines_are_read_and_it_goes_on_behind_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "lines"
    _written(path, lines)
    raw = path.read_bytes()
    head = raw.index(b"\n") + 1
    kept = data.draw(st.integers(head, len(raw)))
    path.write_bytes(raw[:kept])
    journal = Journal(path, HEAD)
    whole = raw[:kept].count(b"\n") - 1
    assert journal.read(1 << 20) == lines[:whole]
    journal.open(new=False)
    journal.append({"last": 1})
    journal.close(done=False)
    assert journal.read(1 << 20) == [*lines[:whole], {"last": 1}]


def test_a_file_of_something_else_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    _written(path, [{"a": 1}])
    other = Journal(path, {"of": "another test"})
    assert other.read(1 << 20) is None
    other.open(new=True)
    other.close(done=False)
    assert path.read_text() == '{"of":"another test"}\n'


def test_it_goes_when_nothing_more_is_needed_of_it_and_follows_no_symlink(tmp_path: Path) -> None:
    path, link = tmp_path / "lines", tmp_path / "link"
    _written(path, [])
    link.symlink_to(path)
    assert Journal(link, HEAD).read(1 << 20) is None
    with pytest.raises(StorageError, match="link: cannot be written"):
        Journal(link, HEAD).open(new=True)
    journal = Journal(path, HEAD)
    journal.open(new=False)
    journal.close(done=True)
    assert not path.exists()
