"""What was learned, as text: nothing is lost, and what is broken is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from strategies import CLASS_DRIVERS, Identities, generate
from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.learning.draft import Change, Draft, draft_of
from strategies.learning.learned import Learned, LearnedDevice, dumps, load_all, loads
from strategies.learning.parts import File, Packet, Read, Text
from strategies.palette import Palette
from tests import CORPUS
from usbfuzz.descriptors.strings import string_text
from usbfuzz.errors import CaseError

READ = Read(0xC0, 0xBD, 0, 0)
FILE = File("usblp/one.fw")


def draft(seed: int = 1) -> Draft:
    made = draft_of(bare_device(Dice(seed), Palette(CLASS_DRIVERS), "printer")).answering({READ: 4}, {}, [FILE.name])
    return made.changed(Change(READ, 1, b"\x11\x04", "usblp_probe+0x1")).changed(
        Change(FILE, 6, b"USBC", "usblp_load+0x8")
    )


def learned(driver: str = "usblp", seed: int = 1) -> Learned:
    return Learned(
        driver, "debian:5.10.223-1", 16, 159, (LearnedDevice(draft(seed), True, 120, ("usblp_probe+0x1: …",)),)
    )


@given(st.integers(0, 1 << 32), st.integers(0, 99))
def test_the_same_device_comes_back(seed: int, paint: int) -> None:
    back = loads(dumps(learned(seed=seed)), "usblp.toml")
    assert (back.driver, back.kernel, back.before, back.reached) == ("usblp", "debian:5.10.223-1", 16, 159)
    (device,) = back.devices
    assert (device.bound, device.blocks, device.because) == (True, 120, ("usblp_probe+0x1: …",))
    assert device.draft.case(paint) == draft(seed).case(paint)
    assert dumps(back) == dumps(learned(seed=seed))


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("format = 9", "format = 1", "this usbfuzz reads format 1"),
        ("length = 2", "length = 4", "ends behind the answer, which has 2 bytes"),
        ("[[draft]]\n\n[[draft]]", "[[draft]]", "there are 2 for 1 devices"),
        ("nonsense = 1", "bound = true", "is not a key of this table"),
        ('firmware = "../x"', 'firmware = "usblp/one.fw"', "is no name of a firmware file; write DIRECTORY/FILE"),
    ],
)
def test_a_broken_file_is_said_with_its_line(wrong: str, right: str, message: str) -> None:
    text = dumps(learned())
    assert right in text
    with pytest.raises(CaseError, match=message) as raised:
        loads(text.replace(right, wrong, 1), "usblp.toml")
    assert str(raised.value).startswith("usblp.toml:")


def test_files_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "usblp.toml").write_text(dumps(learned()))
    (tmp_path / "half.toml").write_text(dumps(learned())[:200])
    (tmp_path / "other.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "README.md").write_text("not a driver")
    problems: list[str] = []
    assert set(load_all(tmp_path, problems)) == {"usblp"}
    assert [Path(problem.partition(":")[0]).name for problem in problems] == ["half.toml", "other.toml"]
    assert load_all(tmp_path / "nowhere", problems) == {}


def test_cases_answer_as_was_learned() -> None:
    bare = Identities({"usblp": CLASS_DRIVERS.of("usblp")})

    def answering(identities: Identities) -> int:
        made = generate(1, 0, 100, identities)
        return sum(any(script.bRequest == 0xBD for spec in case.devices for script in spec.control) for case in made)

    taught = evolve(bare, learned={"usblp": learned()})
    assert answering(bare) == 0
    assert answering(taught) > 2
    for case in generate(1, 0, 100, taught):
        answers = any(script.bRequest == 0xBD for spec in case.devices for script in spec.control)
        assert [(file.name, file.data[6:10]) for file in case.firmware] == [(FILE.name, b"USBC")] * answers


def test_texts_are_kept_and_a_number_stays_one() -> None:
    made = draft()
    for change in (Change(Text(2), 1, b"ox"), Change(Text(3), 0, b"", length=8)):
        made = made.changed(change)
    text = dumps(Learned("usblp", "k", 1, 2, (LearnedDevice(made, False, 2),)))
    back = loads(text, "x").devices[0].draft
    assert back.device(5) == made.device(5)
    strings = {index: string_text(raw) or "" for index, raw in back.device(5).strings}
    assert strings[2][1:3] == "ox"
    assert len(strings[3]) == 8
    assert set(strings[3]) <= set("0123456789ABCDEF")
    with pytest.raises(CaseError, match="the device has no text with index 9"):
        loads(text.replace("string = 2", "string = 9"), "x")


def test_packets_are_kept_with_their_place() -> None:
    made = draft().changed(Change(Packet(0x81, 0), 0, b"\x04\x11")) if Packet(0x81, 0) in draft().parts else draft()
    text = dumps(Learned("usblp", "k", 1, 2, (LearnedDevice(made, False, 2),)))
    assert loads(text, "x").devices[0].draft.device(5) == made.device(5)


def test_what_is_kept_can_be_read() -> None:
    problems: list[str] = []
    known = load_all(CORPUS / "learned", problems)
    assert known
    assert problems == []
    assert all(learned.reached >= learned.before and learned.devices for learned in known.values())
