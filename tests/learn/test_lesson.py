"""What is kept of a lesson, and the devices that the next one begins with."""

from __future__ import annotations

import pytest

from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.identities import CLASS_DRIVERS
from strategies.learning.draft import draft_of
from strategies.learning.learned import Learned, LearnedDevice
from strategies.palette import Palette
from usbfuzz.jobs.engine.lesson import drafts_for, worth_keeping

_DRAFT = draft_of(bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer"))


def _learned(reached: int, *because: str, bound: bool = False) -> Learned:
    return Learned("usblp", "debian:5.10.223-1", 3, reached, (LearnedDevice(_DRAFT, bound, reached, because),))


@pytest.mark.parametrize(
    ("learned", "known", "kept"),
    [
        (_learned(9, "probe+0x1"), None, True),
        (_learned(9), None, False),  # nothing was found to matter
        (_learned(9, bound=True), None, True),
        (_learned(9, "probe+0x1"), _learned(9, "probe+0x1"), False),  # nothing further
        (_learned(9, "probe+0x1", "probe+0x2"), _learned(9, "probe+0x1"), True),
        (_learned(8, "probe+0x1", "probe+0x2"), _learned(9, "probe+0x1"), False),  # it got less far
        (_learned(8, "probe+0x2", bound=True), _learned(9, "probe+0x1"), True),  # and yet it binds
        (_learned(8, "probe+0x2", bound=True), _learned(9, "probe+0x1", bound=True), False),
    ],
)
def test_what_is_worth_a_file(learned: Learned, known: Learned | None, kept: bool) -> None:
    assert (worth_keeping(learned, known) is not None) is kept


def test_a_lesson_goes_on_from_what_is_known_and_keeps_its_words() -> None:
    plain = drafts_for("usblp", CLASS_DRIVERS, None)
    drafts = drafts_for("usblp", CLASS_DRIVERS, _learned(9, "probe+0x1"))
    assert len(drafts) == len(plain) + 1
    assert drafts[-1].earlier == ("probe+0x1",)
    # usblp is chosen by the interface's class, whose number no lesson changes.
    assert all("bInterfaceClass" in draft.asked_for for draft in drafts)
    assert all("bcdDevice" not in draft.asked_for for draft in drafts)
