"""Paths become rows: files, crash directories, directories of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from usbfuzz.case import save
from usbfuzz.errors import CaseError, InputError
from usbfuzz.jobs.regress.collect import collect

from .cells import CASE


def _file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, CASE)
    return path


def test_a_directory_is_searched_for_cases_and_crash_directories(tmp_path: Path) -> None:
    mouse = _file(tmp_path / "devices" / "mouse.toml")
    crash = _file(tmp_path / "crashes" / "WARNING-in-f-01234567" / "case.toml")
    (crash.parent / "crash.toml").write_text("title = 1\n")
    (tmp_path / "README.md").write_text("no case\n")
    _file(tmp_path / ".git" / "hidden.toml")
    entries = collect([tmp_path])
    assert [(entry.path, entry.name) for entry in entries] == [(crash, "WARNING-in-f-01234567"), (mouse, "mouse")]
    assert [entry.case for entry in entries] == [CASE, CASE]


def test_a_crash_directory_and_a_file_are_taken_as_they_are(tmp_path: Path) -> None:
    crash, mouse = _file(tmp_path / "a" / "case.toml"), _file(tmp_path / "mouse.toml")
    assert [entry.path for entry in collect([mouse, crash.parent, mouse])] == [mouse, crash]


def test_equal_names_are_told_apart_by_their_directories(tmp_path: Path) -> None:
    for name in ("x/mouse", "y/mouse", "y/keyboard"):
        _file(tmp_path / f"{name}.toml")
    assert [entry.name for entry in collect([tmp_path])] == ["x/mouse", "keyboard", "y/mouse"]


def test_a_broken_file_is_a_row_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("format = 1\nnonsense\n")
    mouse = _file(tmp_path / "mouse.toml")
    (tmp_path / "link.toml").symlink_to(mouse)
    broken, link, good = collect([tmp_path])
    assert isinstance(broken.error, CaseError)
    assert "broken.toml:2: not valid TOML" in str(broken.error)
    assert "symbolic link" in str(link.error)
    assert good.error is None


@pytest.mark.parametrize("name", ["absent", "empty", "file.txt"])
def test_paths_without_a_case_are_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(InputError, match=name):
        collect([tmp_path / name])
