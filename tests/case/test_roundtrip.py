"""A case survives its text and JSON forms unchanged, whatever it holds."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usbfuzz.case.dump import dumps
from usbfuzz.case.exchange import from_json, to_json
from usbfuzz.case.hexadecimal import commented, parse_hex, plain
from usbfuzz.case.locate import Source
from usbfuzz.case.model import (
    Action,
    Case,
    ControlScript,
    DeviceSpec,
    EndpointScript,
    Event,
    Provenance,
    RequestPattern,
    Step,
)
from usbfuzz.case.toml import loads
from usbfuzz.wire import Answer, Status

from .anything import RAW, cases


@given(cases())
def test_the_text_form_gives_back_the_same_case(case: Case) -> None:
    assert loads(dumps(case)) == case


@given(cases())
def test_the_json_form_gives_back_the_same_case(case: Case) -> None:
    assert from_json(to_json(case)) == case


@given(cases())
def test_windows_line_ends_change_nothing(case: Case) -> None:
    assert loads(dumps(case).replace("\n", "\r\n")) == case


#: Pieces of texts of which many are TOML, with strings of all four kinds in them.
_PIECES = ["x", "y = ", '"', '"""', "'", "'''", "\\", "#", "\n", " ", "[", "]", ",", "1", "\x07", '"ab"', "'c'"]


@given(st.lists(st.sampled_from(_PIECES), max_size=24).map("".join))
@example('"""\n09 02 # the head\n"""')
@example('["a", "a\\tb", "it\'s", """"""]')
def test_what_is_parsed_in_place_of_a_text_says_the_same_or_is_wrong(text: str) -> None:
    text = f"x = {text}"
    with contextlib.suppress(tomllib.TOMLDecodeError):
        assert tomllib.loads(Source(text).literal) == tomllib.loads(text)


@given(cases())
def test_the_strings_of_a_case_are_parsed_as_literal_ones(case: Case) -> None:
    assert tomllib.loads(Source(dumps(case)).literal) == tomllib.loads(dumps(case))
    assert '"' not in Source(dumps(Case((DeviceSpec("a", bytes(18)),), ()))).literal


@given(RAW)
def test_hex_text_gives_back_the_same_bytes(raw: bytes) -> None:
    assert parse_hex(tomllib.loads(f"x = {plain(raw)}")["x"]) == raw


@given(st.lists(st.tuples(st.binary(max_size=80), st.text(max_size=10)), max_size=4))
def test_a_comment_cannot_change_the_bytes_it_explains(parts: list[tuple[bytes, str]]) -> None:
    text = tomllib.loads(f"x = {commented(parts)}")["x"]
    assert parse_hex(text) == b"".join(raw for raw, _ in parts)


def test_a_case_reads_like_a_data_sheet() -> None:
    case = Case(
        devices=(
            DeviceSpec(
                name="loop",
                device=bytes.fromhex("12 01 00 02 ff 00 00 40 1d 06 20 c1 00 01 00 00 00 01"),
                strings=((0, bytes.fromhex("04 03 09 04")), (1, bytes.fromhex("06 03 4f 00 4b 00"))),
                control=(
                    ControlScript(
                        (Step(Answer(Status.STALL), 2), Step(Answer(data=b"\x01", delay_ms=5), 0)),
                        bmRequestType=0xC0,
                        wIndex=1,
                        after=RequestPattern(bRequest=0x10),
                    ),
                ),
                endpoints=(EndpointScript(0x81, (Step(Answer(data=b"\x1b")),)),),
            ),
        ),
        events=(Event(Action.PLUG, device=0, after_ms=3),),
        provenance=Provenance(source="a mail"),
    )
    head, rest = dumps(case).split('"""\n12 01', 1)
    assert head == 'format = 1\n\n[[device]]\nname = "loop"\nspeed = "high"\ndevice = '
    assert (
        rest.split('\n"""\n\n', 1)[1]
        == """\
[device.strings]
0 = { hex = "04 03 09 04" }
1 = "OK"

[[device.control]]
bmRequestType = 0xc0
wIndex = 0x0001
after = { bRequest = 0x10 }
steps = [
    { status = "stall", times = 2 },
    { data = "01", delay_ms = 5, times = 0 },
]

[[device.endpoint]]
bEndpointAddress = 0x81
steps = [{ data = "1b" }]

[[event]]
action = "plug"
port = 0
device = 0
after_ms = 3

[provenance]
source = "a mail"
"""
    )


def test_descriptors_and_report_items_stand_on_lines_of_their_own_with_what_they_mean() -> None:
    raw = bytes.fromhex("09 02 12 00 01 01 00 80 32  09 04 00 00 00 03 00 00 00")
    report = bytes.fromhex("05 01 a1 01 09 30 c0")
    text = dumps(Case((DeviceSpec("d", b"", (raw,), reports=((0, report),)),), ()))
    lines = [line.partition("  # ") for line in text.splitlines() if "  # " in line]
    assert [code.strip() for code, _, _ in lines] == [
        raw[:9].hex(" "),
        raw[9:].hex(" "),
        "05 01",
        "a1 01",
        "09 30",
        "c0",
    ]
    assert all(comment for _, _, comment in lines)
    assert lines[4][2] == "  Usage (X)"


def test_a_spec_has_one_string_for_an_index() -> None:
    with pytest.raises(ValueError, match="strings has a number twice"):
        DeviceSpec("twice", b"", strings=((1, b""), (1, b"\x02\x03")))
