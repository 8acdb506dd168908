"""What guests find of the user's firmware and of cases', round after round."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from attrs import define, field

from harness.guest.agent_client import Agent
from harness.lane import supply as room
from harness.lane.firmware import CASES, USERS, FirmwareShelf
from harness.lane.supply import Supply
from usbfuzz.case.model import Case, Firmware

from .test_firmware import MISSED

MADE_UP = Case((), (), firmware=(Firmware("one.fw", b"made up"), Firmware("other.fw", b"made up")))


@define(eq=False)
class Guest:
    """The part of an agent that is needed: it remembers what was written where."""

    files: dict[str, bytes] = field(factory=dict)

    async def run(self, command: tuple[str, ...], _seconds: float, data: bytes) -> None:
        self.files[command[-1]] = data

    def given(self, supply: Supply, *cases: Case) -> bool:
        """Let a supply give what it has."""
        return asyncio.run(supply.give(cast("Agent", self), cases))


@pytest.fixture
def shelf(tmp_path: Path) -> FirmwareShelf:
    """A directory of the user's."""
    (tmp_path / "one.fw").write_bytes(b"real")
    (tmp_path / "late.fw").write_bytes(b"late")
    return FirmwareShelf(tmp_path)


def test_files_of_the_user_win_over_made_up_ones(shelf: FirmwareShelf) -> None:
    guest = Guest()
    assert guest.given(Supply(shelf), MADE_UP)
    assert guest.files == {f"{USERS}/one.fw": b"real", f"{CASES}/other.fw": b"made up"}


def test_without_a_directory_cases_have_their_own(shelf: FirmwareShelf) -> None:
    guest = Guest()
    assert guest.given(Supply(), MADE_UP)
    assert guest.files == {f"{CASES}/one.fw": b"made up", f"{CASES}/other.fw": b"made up"}
    assert not guest.given(Supply(shelf), Case((), ()))


def test_what_was_asked_for_in_vain_is_there_next_time_and_in_each_new_guest(shelf: FirmwareShelf) -> None:
    said: list[str] = []
    guest, supply = Guest(), Supply(shelf, said.append)
    supply.listen(MISSED.format("late.fw") + MISSED.format("none.fw"))
    assert supply.news
    assert not guest.given(supply)
    assert guest.files == {f"{USERS}/late.fw": b"late"}
    guest.files.clear()
    guest.given(supply)
    assert guest.files == {}, "a guest keeps them"
    other = Guest()
    other.given(supply)
    assert other.files == {f"{USERS}/late.fw": b"late"}
    supply.listen(MISSED.format("none.fw"))
    assert not supply.news
    assert [line.partition(", ")[0] for line in said] == ["firmware late.fw: 4 bytes", "firmware none.fw: is not there"]


def test_what_no_guest_has_room_for_is_left_out_and_said(shelf: FirmwareShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_ROOM", 6)
    said: list[str] = []
    supply = Supply(shelf, said.append)
    supply.listen(MISSED.format("late.fw") + MISSED.format("one.fw"))
    assert said[1].startswith("firmware one.fw: is left out: a guest has room for")
    guest = Guest()
    guest.given(supply, MADE_UP)
    assert guest.files[f"{CASES}/one.fw"] == b"made up"
