"""What user space sees, as the agent tells it: its lines, and the names of input event codes it is built with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.guest.image.input_codes import codes_header, input_codes
from harness.guest.survey import Seen, seen_in
from usbfuzz.errors import GuestError

from .native import Peer

HEADER = Path("/usr/include/linux/input-event-codes.h")
CODE = re.compile(r"^#define\s+((KEY|BTN|REL|ABS|MSC|SW|LED|SND|INPUT_PROP)_(\w+))\s+(0x[0-9a-f]+|\d+)\b", re.MULTILINE)
RANGES = ("MAX", "CNT", "MISC", "MOUSE", "JOYSTICK", "GAMEPAD", "DIGI", "WHEEL", "TRIGGER_HAPPY")


def test_a_line_is_a_place_what_is_seen_there_and_how_it_is() -> None:
    answer = b"3-1:1.0 input 'Keys' keys\tKEY_A KEY_B\n3-1 leds red\tpresent\n3-1.4:2.1 net\tmtu 1500\n"
    assert seen_in(answer) == (
        Seen("3-1", "", "leds red", "present"),
        Seen("3-1", "1.0", "input 'Keys' keys", "KEY_A KEY_B"),
        Seen("3-1.4", "2.1", "net", "mtu 1500"),
    )


def test_what_is_seen_twice_in_a_place_is_numbered() -> None:
    seen = seen_in(
        b"3-1:1.0 sound control 'Mic'\tswitch\n3-1:1.1 sound control 'Mic'\t0 to 1\n3-1:1.0 sound control 'Mic'\t0\n"
    )
    assert [(line.interface, line.what) for line in seen] == [
        ("1.0", "sound control 'Mic'"),
        ("1.0", "sound control 'Mic' #2"),
        ("1.1", "sound control 'Mic'"),
    ]


def test_many_of_one_name_are_numbered_in_time() -> None:
    assert seen_in(b"3-1 a #2\tx\n" + b"3-1 a\tx\n" * 20_000)[-1].what == "a #9999"


def test_names_of_devices_are_printable_and_stay_what_they_are() -> None:
    seen = seen_in("3-1:1.0 input 'Tastatür\u202e' id\tk\u00e4\n".encode() + b"3-1:1.0 net \xff\tpresent\n")
    assert [line.what for line in seen] == ["input 'Tastatür\\u202e' id", "net \\xff"]
    assert seen[0].value == "kä"


def test_a_line_of_bytes_that_are_no_text_is_as_long_as_its_bytes() -> None:
    assert seen_in(b"3-1 net\t" + b"\xff" * 8_000 + b"\n")[0].value == "\\xff" * 8_000


@pytest.mark.parametrize(
    "answer",
    [
        b"3-1 a b c\n",
        b"\n",
        b"usb3 net\tx\n",
        b"3-1 net\tx\ty\n",
        b"3-1 net\t" + b"x" * 20_000 + b"\n",
        b"3-1 net\tx\n" * 200_000,
    ],
)
def test_an_answer_that_is_no_survey_is_an_error(answer: bytes) -> None:
    with pytest.raises(GuestError, match="the guest is corrupted"):
        seen_in(answer)


def test_a_survey_without_devices_is_empty_and_one_of_no_bus_is_refused(peer: Peer) -> None:
    peer.ask("1 survey 63")
    assert peer.data() == b""
    peer.ask("2 survey 64")
    assert peer.line() == "2 error bad bus"


@pytest.mark.skipif(not HEADER.exists(), reason="the kernel's headers are not installed")
def test_the_names_of_codes_are_the_kernels() -> None:
    defined = [
        ("KEY" if group == "BTN" else group, name, int(number, 0))
        for name, group, word, number in CODE.findall(HEADER.read_text())
        if word not in RANGES and not name.endswith(("_MAX", "_CNT", "KEY_RESERVED"))
    ]
    assert len(defined) > 700
    assert [row for row in defined if input_codes(row[0]).get(row[2]) != row[1]] == []


def test_the_header_names_each_code_once() -> None:
    rows = re.findall(r"\[(0x[0-9a-f]+)\] = \"(\w+)\"", codes_header())
    assert ("0x1e", "KEY_A") in rows
    assert len({name for _, name in rows}) == len(rows)
