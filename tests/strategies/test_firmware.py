"""Made-up firmware: for the names that drivers declare, and changed as the rest of a case is."""

from __future__ import annotations

from attrs import evolve

from strategies.dice import Dice
from strategies.firmware import asks_for_firmware, change_firmware, with_firmware
from strategies.identities import Identities
from usbfuzz.case.dump import dumps
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Firmware
from usbfuzz.case.toml import loads

NAMES = ("ath9k_htc/htc_9271-1.4.0.fw", "htc_9271.fw")
IDENTITIES = Identities({}, firmware={"ath9k_htc": (*NAMES, "../../outside")}, constants={"ath9k_htc": (0xDEADBEEF,)})
CASE = Case((DeviceSpec("ath9k_htc 0cf3:9271", b"\x12\x01"),), (Event(Action.PLUG, 0, 0),))
OTHER = evolve(CASE, devices=(DeviceSpec("usbhid 1:2", b"\x12\x01"),))


def test_a_driver_gets_a_file_for_each_name_that_leads_nowhere_else() -> None:
    given = with_firmware(Dice(1), CASE, IDENTITIES)
    assert tuple(file.name for file in given.firmware) == NAMES
    assert all(len(file.data) >= 16 for file in given.firmware)
    assert given == with_firmware(Dice(1), CASE, IDENTITIES)
    assert loads(dumps(given)).firmware == given.firmware


def test_what_a_case_has_is_kept() -> None:
    own = Firmware(NAMES[1], b"mine")
    assert own in with_firmware(Dice(1), evolve(CASE, firmware=(own,)), IDENTITIES).firmware


def test_a_driver_that_declares_none_gets_none() -> None:
    assert with_firmware(Dice(1), OTHER, IDENTITIES) is OTHER
    assert not asks_for_firmware(OTHER, IDENTITIES)
    assert change_firmware(Dice(1), OTHER, IDENTITIES) == (OTHER, "")


def test_changes_find_what_the_driver_compares_with() -> None:
    case, notes = with_firmware(Dice(1), CASE, IDENTITIES), []
    seen = b""
    for seed in range(60):
        child, note = change_firmware(Dice(seed), case, IDENTITIES)
        assert child != case
        notes.append(note)
        seen += b"".join(file.data for file in child.firmware)
    assert b"\xef\xbe\xad\xde" in seen
    assert any(": cut to " in note for note in notes)
