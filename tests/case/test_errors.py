"""Every mistake in a case file gets one sentence with its line, its key, and what to do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case.dump import dumps
from usbfuzz.case.locate import Source
from usbfuzz.case.model import Action, Event
from usbfuzz.case.toml import loads
from usbfuzz.errors import CaseError

GOOD = """\
format = 1
title = "a device"

[[device]]
name = "one"
speed = "high"
device = "12 01"
configurations = ["09 02", \"\"\"
09 04   # interface
07 05
\"\"\"]

[device.strings]
1 = "Acme"

[[device.control]]
bRequest = 0x06
steps = [
    { data = "00" },
    { status = "stall", times = 0 },
]

[[device]]
name = "two"
device = ""

[[event]]
action = "plug"
device = 0

[[event]]
action = "unplug"
"""

STATUSES = "ok, stall, babble, io-error, cancelled, timeout, inval, nak, never"


def test_the_good_case_is_good() -> None:
    case = loads(GOOD)
    assert [device.name for device in case.devices] == ["one", "two"]
    assert case.devices[0].configurations == (b"\x09\x02", b"\x09\x04\x07\x05")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "format = 1",
            "format = 2",
            "1: format: this usbfuzz reads format 1, not 2; use the usbfuzz that wrote the file",
        ),
        ("format = 1", "", " format: is missing; add format = …"),
        ("format = 1", "format = true", "1: format: must be a number, not true or false"),
        ("format = 1", 'format = "1"', "1: format: must be a number, not text"),
        ("title =", "titel =", "2: titel: is not a key of this table; did you mean title?"),
        ('"a device"', "1.5", "2: title: must be text, not a fraction"),
        ('"a device"', "1979-05-27", "2: title: must be text, not a date or time"),
        ('name = "one"\n', "", "4: device[0].name: is missing; add name = …"),
        (
            '"high"',
            '"warp"',
            "6: device[0].speed: 'warp' is not known; use one of low, full, high, super",
        ),
        (
            '"12 01"',
            '"12 1"',
            "7: device[0].device: '1' has an odd number of hex digits; write two for each byte",
        ),
        ('"12 01"', '"12 0g"', "7: device[0].device: 'g' in '0g' is not a hex digit"),
        ('"09 02"', "9", "8: device[0].configurations[0]: must be text, not a number"),
        ('["09 02", ', '"09 02"\nx = [', "8: device[0].configurations: must be a list, not text"),
        (
            "07 05\n",
            "07 05 8\n",
            "10: device[0].configurations[1]: '8' has an odd number of hex digits; write two for each byte",
        ),
        ('1 = "Acme"', '256 = "Acme"', "14: device[0].strings.256: '256' is not a number in 0..255"),
        ('1 = "Acme"', '01 = "Acme"', "14: device[0].strings.01: '01' is not a number in 0..255"),
        ('1 = "Acme"', "1 = { text = 1 }", "14: device[0].strings.1.hex: is missing; add hex = …"),
        ("0x06", "0x106", "17: device[0].control[0].bRequest: 262 is out of range; use 0x0..0xff"),
        ("0x06", "6\nafter = 5", "18: device[0].control[0].after: must be a table, not a number"),
        (
            "0x06",
            "6\nafter = { wValue = -1 }",
            "18: device[0].control[0].after.wValue: -1 is out of range; use 0x0..0xffff",
        ),
        ("times = 0", "times = -1", "20: device[0].control[0].steps[1].times: -1 is out of range; use 0..1000000"),
        (
            '"stall"',
            '"stal"',
            "20: device[0].control[0].steps[1].status: 'stal' is not known; use one of " + STATUSES,
        ),
        (
            'data = "00"',
            'dat = "00"',
            "19: device[0].control[0].steps[0].dat: is not a key of this table; did you mean data?",
        ),
        ("[[device.control]]", "[device.control]", "16: device[0].control: must be a list, not a table"),
        (
            "[[device.control]]",
            "[[device.endpoint]]",
            "16: device[0].endpoint[0].bEndpointAddress: is missing; add bEndpointAddress = …",
        ),
        ('device = ""', "", "23: device[1].device: is missing; add device = …"),
        (
            'device = ""',
            'model = "disc"',
            "25: device[1].model: no device model is called 'disc'; there is disk",
        ),
        (
            'device = ""',
            'model = "disk"\ndevice = "12"',
            "26: device[1].device: is not a key of this table; known here: model, name",
        ),
        (
            "device = 0",
            "device = 2",
            "29: event[0].device: there is no device 2; the case has 2, counted from 0",
        ),
        ("device = 0", "", "27: event[0].device: is missing; add device = …"),
        (
            '"unplug"',
            '"unplug"\nport = 3',
            "33: event[1].port: nothing was plugged at port 3 before; plug a device there first",
        ),
        ('"unplug"', '"unplug"\nport = 32', "33: event[1].port: 32 is out of range; use 0..31"),
        (
            '"unplug"',
            '"unplug"\ndevice = 0',
            "33: event[1].device: unplug takes a port, not a device; only plug names a device",
        ),
        (
            '"unplug"',
            '"remove"',
            f"32: event[1].action: 'remove' is not known; use one of {', '.join(action.value for action in Action)}",
        ),
        ('"12 01"', '"12 01', "7: not valid TOML: Illegal character '\\n'"),
        ('action = "unplug"\n', 'action = "unplug', "32: not valid TOML: Unterminated string"),
        ("format = 1", "format = " + "[" * 40, "1: nested too deeply to be a case"),
        ("title =", ".".join("t" * 40) + " =", "2: nested too deeply to be a case"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(CaseError) as caught:
        loads(GOOD.replace(old, new, 1), "f.toml")
    assert str(caught.value) == f"f.toml:{message}"


def test_a_broken_line_of_a_program_is_named_with_its_line() -> None:
    program = 'fd = open("/dev/hidraw*", O_RDWR)  # a comment\n\nread(df, 64)\n'
    text = f"{GOOD}\n[[use]]\nprogram = '''\n{program}'''\n"
    with pytest.raises(CaseError) as caught:
        loads(text, "case.toml")
    line = 1 + text[: text.index("read(df")].count("\n")
    assert str(caught.value) == f"case.toml:{line}: use[0].program: nothing above is called 'df'"


def test_an_event_runs_only_a_program_that_there_is() -> None:
    with pytest.raises(CaseError, match="there is no use 0; the case has 0"):
        loads(f'{GOOD}\n[[event]]\naction = "plug"\ndevice = 0\n\n[[event]]\naction = "use"\nuse = 0\n')


def test_a_case_without_devices_says_so() -> None:
    with pytest.raises(CaseError, match=r"^f\.toml: device: is missing; a case needs at least one \[\[device\]\]$"):
        loads("format = 1\n", "f.toml")


def test_a_string_too_long_for_a_descriptor_is_refused() -> None:
    with pytest.raises(CaseError, match=r"^f\.toml:14: device\[0\]\.strings\.1: .*252"):
        loads(GOOD.replace("Acme", "A" * 127), "f.toml")


def test_a_device_file_plugs_each_device_at_a_port_of_its_own() -> None:
    case = loads(GOOD[: GOOD.index("[[event]]")])
    assert case.events == (Event(Action.PLUG, 0, 0), Event(Action.PLUG, 1, 1))


def test_more_devices_than_ports_need_a_schedule() -> None:
    text = "format = 1\n" + '[[device]]\nname = "x"\ndevice = ""\n' * 33
    with pytest.raises(CaseError, match="33 devices on 32 ports"):
        loads(text)


@given(st.text(alphabet="a=.[]{}\"'#\n\\ 1,", max_size=60))
def test_a_text_that_is_no_case_is_a_case_error(text: str) -> None:
    with pytest.raises(CaseError, match=r"^f:"):
        loads(text, "f")


def test_structure_inside_strings_and_comments_is_not_structure() -> None:
    source = Source('a = """\n[[x]]\nb = 1\n""" # [[y]]\n[[z]]\nb = \'[\'\nc = 1\n')
    assert source.line(("z", 0, "b")) == 6
    assert source.line(("z", 0, "c")) == 7
    assert source.line(("x", 0)) is None


def test_an_unknown_place_is_the_nearest_known_one() -> None:
    source = Source("[[a]]\n[[a]]\n[a.b]\nc = [\n 1,\n { d = 2 },\n]\n")
    assert source.line(("a", 1)) == 2
    assert source.line(("a", 1, "b", "missing")) == 3
    assert source.line(("a", 1, "b", "c", 1, "d")) == 6
    assert source.line(("a", 1, "b", "c", 9)) == 4


@given(st.data())
def test_a_damaged_case_is_a_case_or_a_case_error(choice: st.DataObject) -> None:
    start = choice.draw(st.integers(0, len(GOOD)))
    end = choice.draw(st.integers(start, min(start + 8, len(GOOD))))
    text = GOOD[:start] + choice.draw(st.text(alphabet="a=.[]{}\"'#\n\\ 1,", max_size=4)) + GOOD[end:]
    with contextlib.suppress(CaseError):
        case = loads(text, "f")
        assert loads(dumps(case)) == case


def test_what_a_message_shows_of_a_file_is_short_and_harmless() -> None:
    with pytest.raises(CaseError) as caught:
        loads(GOOD.replace("title", f'"\\u001b[2J{"x" * 10_000}"'), "f")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_line_of_user_space_without_a_value_is_named() -> None:
    row = '[[expect]]\nkernel = "k"\ntitle = ""\nuserspace = ["1.0 net mtu: 1500", "1.0 net type 1"]\n'
    with pytest.raises(CaseError, match=r"^f:\d+: expect\[\d\]\.userspace: '1\.0 net type 1' is no line of a record"):
        loads(GOOD + row, "f")


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "-1"])
def test_a_number_of_any_size_is_a_case_error(number: str) -> None:
    with pytest.raises(CaseError, match=r"^f:"):
        loads(GOOD.replace("0x06", number), "f")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["[" * 1_000_000, "a=" + "{a=" * 300_000, ".".join("a" * 1_000_000) + "=1"])
def test_hostile_nesting_is_refused_quickly(text: str) -> None:
    with pytest.raises(CaseError, match="nested too deeply"):
        loads(text, "f")


@pytest.mark.parametrize("name", ["../passwd", "/etc/passwd", "a/../../b", "a//b", ".hidden", "a b", "", "x" * 201])
def test_firmware_has_a_name_that_leads_nowhere_else(name: str) -> None:
    firmware = f'\n[[firmware]]\nname = "{name}"\ndata = "00"\n'
    with pytest.raises(CaseError, match=r"<case>:\d+: firmware\[0\]\.name: .* is no name of a firmware file"):
        loads(GOOD + firmware)


def test_firmware_is_bytes_or_text() -> None:
    text = GOOD + '\n[[firmware]]\nname = "a/b.fw"\ndata = "00 ff"\n\n[[firmware]]\nname = "c"\ntext = "3.1"\n'
    assert [(file.name, file.data) for file in loads(text).firmware] == [("a/b.fw", b"\x00\xff"), ("c", b"3.1")]
    assert loads(dumps(loads(text))) == loads(text)
