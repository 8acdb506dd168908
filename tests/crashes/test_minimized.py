"""minimized.toml keeps what was found, and the listing shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests import KNOWN_BUGS
from tests.descriptors.soup import configurations
from tests.minimize.pretend import descriptor
from usbfuzz.case import load, save
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, Event, Step
from usbfuzz.case.parts import digest, parts, weight, with_part
from usbfuzz.crashes.layout import MINIMIZED_FILE
from usbfuzz.crashes.minimized import Mark, Minimized, load_result, save_result
from usbfuzz.errors import CaseError
from usbfuzz.jobs.minimize.cut import Cut, Totals, without
from usbfuzz.jobs.minimize.plain import units
from usbfuzz.report.annotate import LEGEND, annotated
from usbfuzz.wire import Answer, Status

HUB = KNOWN_BUGS / "hub-too-many-interfaces.toml"


def _minimized(case: Case) -> Minimized:
    marks = (Mark(0, "device", 8, 4), Mark(0, "reports[0]", 0, 50))
    return Minimized(case, 9, 10, 300, 12.345, 4000, weight(case), complete=True, marks=marks)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A crash directory with its result."""
    save(tmp_path / "case.toml", load(HUB))
    save_result(tmp_path, _minimized(load(HUB)))
    return tmp_path


def test_a_result_comes_back_as_it_was(directory: Path) -> None:
    assert load_result(directory) == _minimized(load(directory / "case.toml"))


def test_a_case_that_was_never_minimized_has_no_result(tmp_path: Path) -> None:
    save(tmp_path / "case.toml", load(HUB))
    assert load_result(tmp_path) is None


def test_a_case_changed_by_hand_has_no_result_but_a_new_name_is_no_change(directory: Path) -> None:
    case = load(HUB)
    save(directory / "case.toml", evolve(case, title="another", devices=(evolve(case.devices[0], name="other"),)))
    assert load_result(directory) is not None
    save(directory / "case.toml", evolve(case, events=case.events[:1]))
    assert load_result(directory) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 9", ":1: format: this usbfuzz reads format 1"),
        ("hits = 9", 'hits = "9"', ":3: hits: must be a number"),
        ("runs = 10", "", "runs: is missing"),
        ("offset = 8", "offset = 17", "length: device has only 18 bytes"),
        ('part = "device"', 'part = "nose"', "part: the device has none of that name"),
        ("device = 0", "device = 7", "device: there is no device 7"),
        ("[[mark]]", "[[mark", "not valid TOML"),
        ("[[mark]]", "[[marks]]", "marks: is not a key of this table; did you mean mark?"),
    ],
)
def test_what_is_broken_is_named(directory: Path, old: str, new: str, message: str) -> None:
    path = directory / MINIMIZED_FILE
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CaseError) as error:
        load_result(directory)
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_a_link_in_place_of_the_result_is_not_followed(directory: Path, tmp_path: Path) -> None:
    path = directory / MINIMIZED_FILE
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaseError, match="cannot be read"):
        load_result(directory)


@pytest.mark.parametrize("path", sorted(KNOWN_BUGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_byte_of_a_device_is_one_number_of_one_part(path: Path) -> None:
    case = load(path)
    for number, device in enumerate(case.devices):
        for part, raw in parts(device):
            assert with_part(device, part, raw) == device
            mine = [unit for unit in units(case) if (unit.device, unit.part) == (number, part)]
            assert b"".join(unit.raw for unit in mine) == raw
            assert all(unit.plain is None or len(unit.plain) == len(unit.raw) for unit in mine)


@given(configurations, st.sets(st.integers(0, 300)), st.sampled_from(Totals))
def test_cutting_takes_exactly_the_bytes_asked_for(raw: bytes, gone: set[int], totals: Totals) -> None:
    case = Case((DeviceSpec("soup", descriptor().raw, (raw,)),), ())
    cuts = [Cut(0, "configurations[0]", at, at + 1) for at in gone if at < len(raw)]
    (left,) = without(case, cuts, totals).devices[0].configurations
    assert len(left) == len(raw) - len(cuts)
    if not cuts and totals is not Totals.RIGHT:
        assert left == raw
    if totals is Totals.KEPT:
        assert left == bytes(byte for at, byte in enumerate(raw) if at not in gone)


def test_a_shorter_report_descriptor_is_announced_as_shorter() -> None:
    case = load(HUB)
    shorter = without(case, [Cut(0, "reports[0]", 0, 6)], Totals.LESS)
    assert dict(shorter.devices[0].reports)[0] == dict(case.devices[0].reports)[0][6:]
    assert bytes.fromhex("09 21 11 01 00 01 22 2c 00") in shorter.devices[0].configurations[0]
    kept = without(case, [Cut(0, "reports[0]", 0, 6)], Totals.KEPT)
    assert bytes.fromhex("09 21 11 01 00 01 22 32 00") in kept.devices[0].configurations[0]


def test_the_digest_is_about_what_a_guest_sees() -> None:
    case = load(HUB)
    assert digest(case) == digest(evolve(case, title="", expect=(), devices=(evolve(case.devices[0], name=""),)))
    assert digest(case) != digest(evolve(case, guest=evolve(case.guest, exercise=False)))
    assert digest(case) != digest(evolve(case, devices=(evolve(case.devices[0], control=()),)))


def test_the_listing_has_brackets_around_the_bytes_that_matter() -> None:
    case = load(KNOWN_BUGS / "quatech2-bulk-null.toml")
    lines = annotated(
        case, [Mark(0, "device", 8, 4), Mark(0, "configurations[0]", 12, 2), Mark(0, "endpoints[0]", 0, 5)]
    )
    text = "\n".join(lines)
    assert lines[0] == LEGEND
    assert "\n  [1d 06 20 c1]00 01 00 00" in text
    assert "\n   09 04 00[00 02]ff ff ff  interface 0 alt 0" in text
    assert "\n  [1b 1b 03 01 41]" in text
    assert "Answers to control requests bmRequestType 0x40, 0 bytes\n                            ok, always" in text


def test_without_marks_there_are_no_brackets() -> None:
    lines = annotated(load(HUB), [])
    assert not any("[" in line for line in lines)
    assert lines[0] == "Device: mouse-and-hub, high speed"


@pytest.mark.parametrize("path", sorted(KNOWN_BUGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_listing_fits_a_mail(path: Path) -> None:
    case = load(path)
    everything = [
        Mark(n, part, 0, len(raw)) for n, device in enumerate(case.devices) for part, raw in parts(device) if raw
    ]
    for lines in (annotated(case, []), annotated(case, everything)):
        assert max(map(len, lines)) <= 72
        assert not any(line.endswith(" ") for line in lines)


@given(configurations, st.binary(max_size=80), st.text(max_size=90))
def test_any_bytes_and_names_make_a_listing_of_printable_lines(raw: bytes, said: bytes, name: str) -> None:
    script = ControlScript((Step(Answer(Status.OK, said)), Step(Answer(Status.STALL), times=0)))
    device = DeviceSpec(name, raw[:18], (raw,), strings=((1, said),), reports=((0, said),), bos=raw, control=(script,))
    for line in annotated(Case((device,), (Event(Action.PLUG, 0, 0),)), [Mark(0, "device", 0, 3)]):
        assert len(line) <= 72
        assert line.isprintable()
