"""`lsusb -v` text to devices: exact bytes, in any state a mailer may leave the text in."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from usbfuzz.case import load
from usbfuzz.descriptors import report_items, split, string_text
from usbfuzz.descriptors.standard import SuperSpeedEndpointCompanion
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes
from usbfuzz.importers.lsusb.dump import import_lsusb
from usbfuzz.importers.synthesise import report_descriptor
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.wire import Speed

from .damage import damaged_text, survives
from .lsusb_texts import CORPUS, HEADSET_2007, TEXTS, device_of, only

NOISE = (
    "[ 141.374370] usb 3-1.3: config 1 interface 3 altsetting 0 bulk endpoint 0x83 has invalid maxpacket 256",
    "can't get device qualifier: Ressource temporairement indisponible",
    "Couldn't open device, some information will be missing",
    "can't get debug descriptor: Datenübergabe unterbrochen (broken pipe)",
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_what_a_real_lsusb_prints_gives_the_same_bytes(text: Path) -> None:
    spec, got = device_of(text), only(text.read_bytes())
    assert got.device.device == spec.device
    assert got.device.configurations == spec.configurations
    assert got.device.speed is spec.speed
    assert got.problems == ()


def test_usbutils_of_2007_prints_masks_byte_by_byte_and_other_names() -> None:
    got = only(HEADSET_2007)
    assert got.problems == ()
    assert got.device.configurations == (
        bytes.fromhex(
            "09 02 34 00 01 01 00 a0 32 09 04 00 00 00 01 01 00 00 09 24 01 00 01 22 00 01 01"
            "0b 24 06 09 01 02 03 01 02 00 00 0e 24 04 0b 02 01 09 02 03 00 00 00 40 00"
        ),
    )
    assert dict(got.device.strings) == {1: bytes((24, 3)) + "USB Headset".encode("utf-16-le")}


def _mangle(text: str, seed: int, quote: str, newline: str) -> bytes:
    """The text as it comes out of a mail: quoted, without indentation, with noise between the lines."""
    rng, lines = random.Random(seed), []
    for line in text.splitlines():
        if rng.random() < 0.05:
            lines.append(rng.choice(NOISE))
        tabbed = line.replace("  ", "\t") if rng.random() < 0.2 else line.lstrip() if rng.random() < 0.3 else line
        lines.append(tabbed)
    return newline.join(quote + line for line in lines).encode()


@settings(deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    seed=st.integers(0, 1 << 32),
    quote=st.sampled_from(["", "> ", ">> ", "> > ", "| ", "    "]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_quoting_lost_indentation_tabs_and_noise_change_nothing(
    text: Path, seed: int, quote: str, newline: str
) -> None:
    assert only(_mangle(text.read_text(), seed, quote, newline)).device.configurations == device_of(text).configurations


@settings(deadline=None)
@given(text=st.sampled_from(TEXTS), cut=st.integers(0, 40_000), seed=st.integers(0, 1 << 32))
@example(text=next(path for path in TEXTS if "scb-0385n.018" in path.name), cut=1985, seed=0)  # of one byte
def test_a_damaged_text_is_imported_as_far_as_it_goes_or_refused_with_a_reason(text: Path, cut: int, seed: int) -> None:
    rng, lines = random.Random(seed), text.read_text()[:cut].splitlines()
    for _ in range(min(3, len(lines))):
        lines[rng.randrange(len(lines))] = rng.choice(["", "  bLength", "** UNRECOGNIZED: ff 24", "bNumEndpoints 300"])
    try:
        found = import_bytes("\n".join(lines).encode(), "cut.txt")
    except InputError:
        return
    assert len(found) == 1


@cache
def _whole(path: Path) -> bytes:
    """The text of a file of text, or of a corpus device."""
    return path.read_bytes() if path.suffix == ".txt" else render_lsusb(load(path).devices[0]).encode()


@settings(deadline=None)
@given(
    (st.just(HEADSET_2007) | st.sampled_from([*TEXTS, *sorted(CORPUS.glob("*.toml"))]).map(_whole)).flatmap(
        damaged_text
    )
)
@example(HEADSET_2007.replace(b"bmControls         0x40", b"bmControls         256"))
@example(HEADSET_2007.replace(b"bmControls         0x40", b"bmControls         0x" + b"f" * 99))
def test_damaged_texts_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_lsusb, content)


@pytest.mark.parametrize(
    "blank", ["\xa0", "\u2003", "\u2009", "\u3000", "\x85", "\u2028", "\x1c", " \u200b", "\ufeff "]
)
def test_blanks_of_web_pages_and_word_processors_are_blanks(blank: str) -> None:
    text = next(path for path in TEXTS if "mbim" in path.name).read_text()
    got = only(text.replace(" ", blank).encode())
    assert (got.device.configurations, got.problems) == (only(text.encode()).device.configurations, ())


def test_blanks_of_a_string_are_its_own() -> None:
    text = HEADSET_2007.replace(b"USB Headset", "USB\u3000Head\u200bset\xa0".encode())
    assert string_text(dict(only(text).device.strings)[1]) == "USB\u3000Head\u200bset\xa0"


def test_a_length_of_thousands_of_digits_is_no_length() -> None:
    text = HEADSET_2007.replace(b"cannot read", b"Report Descriptor: (length is " + b"9" * 5000 + b")\ncannot read")
    assert only(text).device.configurations


def test_hex_that_a_mailer_wrapped_is_joined_again() -> None:
    text = next(path for path in TEXTS if "mbim" in path.name).read_text()
    wrapped = re.sub(r"(UNRECOGNIZED:  05 24 00) 10 01", r"\1\n10 01", text)
    assert wrapped != text
    assert only(wrapped.encode()).device.configurations == only(text.encode()).device.configurations


def test_a_value_that_was_wrapped_to_the_next_line_is_found_there() -> None:
    text = next(path for path in TEXTS if "webcam" in path.name).read_text()
    wrapped = re.sub(r"(guidFormat) +(\{)", r"\1\n\2", text)
    assert wrapped != text
    assert only(wrapped.encode()).device.configurations == only(text.encode()).device.configurations


def test_a_field_without_a_number_is_named_by_line_and_the_rest_is_kept() -> None:
    lines = HEADSET_2007.decode().splitlines()
    at = next(n for n, line in enumerate(lines) if "bcdADC" in line)
    lines[at] = "        bcdADC               one"
    got = only("\n".join(lines).encode())
    assert [(problem.line, "bcdADC" in problem.reason) for problem in got.problems] == [(at + 1, True)]
    assert len(got.device.configurations[0]) == 52


def test_a_lost_line_is_a_zero_of_the_right_width_and_reported() -> None:
    text = HEADSET_2007.replace(b"        bSourceID               1\n", b"", 1)
    got = only(text)
    assert any("bSourceID" in problem.reason for problem in got.problems)
    assert got.device.configurations[0][27:34] == bytes.fromhex("0b 24 06 09 00 02 03")


def test_missing_bytes_are_reported_as_a_wrong_total() -> None:
    text = HEADSET_2007.replace(b"wTotalLength           52", b"wTotalLength           60")
    assert [str(problem) for problem in only(text).problems] == [
        "configuration 1: wTotalLength is 60, the dump shows 52 bytes"
    ]


def test_a_report_descriptor_that_is_not_shown_is_synthesised_at_its_length_and_listed() -> None:
    text = next(path for path in TEXTS if "kobil" in path.name)
    got = only(text.read_bytes())
    ((number, raw),) = got.device.reports
    assert len(raw) == 34
    assert f"the HID report descriptor of interface {number}, 34 bytes" in got.synthesised


def test_old_usbutils_print_guids_in_wire_order() -> None:
    text = next(path for path in TEXTS if "webcam" in path.name).read_text()
    old = text.replace("{32595559-0000-0010-8000-", "{59555932-0000-1000-8000-").replace(
        "{46394292-0cd1-4ae3-8783-", "{92423946-d10c-e34a-8783-"
    )
    old = re.sub(r"(wTotalLength +)(0x\w+)", lambda match: match[1] + str(int(match[2], 16)), old).replace(
        "0x09", "0x 9"
    )
    assert old.count("1000-8000") == 1
    known = bytes.fromhex("0e 24 01 01 01 01 81 00 04 01 00 00 01")  # of which lsusb loses the last byte
    got, wanted = (only(each.encode()).device.configurations[0] for each in (old, text))
    assert got == wanted.replace(known + b"\x1b", known + b"\0")


REPORT = """\
          Report Descriptor: (length is 8)
            Item(Global): Usage Page, data= [ 0x01 ] 1
                            Generic Desktop Controls
            Item(Local ): Usage, data= [ 0x02 ] 2
                            Mouse
            Item(Main  ): Collection, data= [ 0x01 ] 1
                            Application
            Item(Main  ): End Collection, data=none
            Item(Global): Report ID, data= [ 0x05 ] 5
"""


def test_items_of_a_report_descriptor_are_its_bytes() -> None:
    text = next(path for path in TEXTS if "kobil" in path.name and "014" in path.name).read_text()
    before, line, after = text.partition("wDescriptorLength      34\n")
    got = only((before + line + REPORT.replace("is 8", "is 9") + after).encode())
    assert got.device.reports[0][1] == bytes.fromhex("05 01 09 02 a1 01 c0 85 05")


def test_items_whose_names_lsusb_lost_are_no_report_descriptor() -> None:
    text = next(path for path in TEXTS if "kobil" in path.name and "018" in path.name).read_text()
    before, line, after = text.partition("wDescriptorLength      34\n")
    report = re.sub(r"(Item\(\w+ *\): )(?!Usage Page)[^,]*", r"\1(null)", REPORT).replace("is 8", "is 34")
    assert report.count("(null)") == 4
    got = only((before + line + report + after).encode())
    ((number, raw),) = got.device.reports
    assert f"the HID report descriptor of interface {number}, 34 bytes" in got.synthesised
    assert len(raw) == 34
    lines = [problem.line for problem in got.problems if "018" in problem.reason]
    assert lines == [(before + line).count("\n") + 1]


def test_a_usage_named_like_a_field_is_no_field() -> None:
    text = next(path for path in TEXTS if "kobil" in path.name and "014" in path.name).read_text()
    before, line, after = text.partition("wDescriptorLength      34\n")
    report = REPORT.replace("is 8", "is 9").replace("Mouse", "iDeviceChemistry")
    assert only((before + line + report + after).encode()).device.reports[0][1][-2:] == bytes.fromhex("85 05")


@given(st.integers(0, 255), st.integers(0, 3), st.integers(0, 4000))
def test_a_synthesised_report_descriptor_has_the_length_and_items_that_end(
    sub: int, protocol: int, length: int
) -> None:
    raw = report_descriptor(sub, protocol, length)
    assert len(raw) == length
    if length >= 30:
        assert not any(item.truncated or "Reserved" in item.text for item in report_items(raw))


def test_superspeed_companions_come_from_the_burst_lines() -> None:
    got = only(next(path for path in TEXTS if "t5.014" in path.name).read_bytes())
    companions = [
        descriptor
        for descriptor in split(got.device.configurations[0])
        if isinstance(descriptor, SuperSpeedEndpointCompanion)
    ]
    assert [(companion.bMaxBurst, companion.bmAttributes) for companion in companions] == [
        *[(15, 0)] * 2,
        *[(15, 5)] * 3,
        (0, 0),
    ]
    assert got.device.speed is Speed.SUPER


def test_several_devices_are_told_apart_and_what_is_shown_again_is_one() -> None:
    both = b"\n".join(path.read_bytes() for path in TEXTS if "mbim" in path.name or "webcam" in path.name)
    found = import_bytes(both, "all.txt")
    assert [device.origin for device in found] == ["Bus 001 Device 002: 1bc7:1081", "Bus 001 Device 002: 2232:1005"]


def test_a_list_without_descriptors_says_what_to_run() -> None:
    with pytest.raises(InputError, match=r"^list.txt: .*lsusb -v$"):
        import_bytes(b"Bus 001 Device 002: ID 046d:c52b Logitech, Inc. Unifying Receiver\n", "list.txt")


def test_text_that_is_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="none of the kinds"):
        import_bytes(b"Dear list,\nmy headset does not work.\n", "mail.txt")


def test_a_hub_descriptor_of_rubbish_costs_no_device() -> None:
    spec = load(CORPUS / "hub-realtek-rts5423.toml").devices[0]
    text = render_lsusb(spec)
    got = only(f"{text}Hub Descriptor:\n  bLength             205\n  bDescriptorType     153\n".encode())
    assert got.device.configurations == spec.configurations
    assert any("the hub descriptor is none" in str(problem) for problem in got.problems)


def test_a_value_of_bytes_whose_line_was_broken_is_whole() -> None:
    spec = load(CORPUS / "billboard-wacom.toml").devices[0]
    text = render_lsusb(spec)
    whole = re.search(r"bmConfigured +(.*)", text)
    assert whole is not None
    assert only(text.replace(whole[1], f"{whole[1][:30]}\n{whole[1][30:]}").encode()).device.bos == spec.bos


def test_a_hub_answers_what_the_hub_driver_asks() -> None:
    spec = load(CORPUS / "hub-realtek-rts5423.toml").devices[0]
    hub = next(script.steps[0].answer.data for script in spec.control if script.wValue == 0x2900)
    ports = hub[2]
    assert hub[1] == 0x29
    assert {script.wIndex for script in spec.control if script.bmRequestType == 0xA3} == set(range(1, ports + 1))


def test_strings_that_cannot_be_read_are_made_up_and_listed() -> None:
    got = only(next(path for path in TEXTS if "mbim" in path.name).read_bytes())
    strings = {index: string_text(raw) for index, raw in got.device.strings}
    assert strings[2] == "FE990"
    assert "string 6 (iInterface)" in got.synthesised
    assert strings[6] == "Interface 6"
