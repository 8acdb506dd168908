"""Lists, recordings, reports and captures in mails, pages and listings: the same devices as without."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from usbfuzz.errors import InputError
from usbfuzz.importers import add_capture, import_bytes

Wrap = Callable[[str], str]

_LISTING = """\
T:  Bus=01 Lev=02 Prnt=02 Port=00 Cnt=01 Dev#=  5 Spd=480  MxCh= 0
D:  Ver= 2.00 Cls=00(>ifc ) Sub=00 Prot=00 MxPS=64 #Cfgs=  1
P:  Vendor=1209 ProdID=0001 Rev= 0.10
S:  Product=A modem
C:* #Ifs= 1 Cfg#= 1 Atr=a0 MxPwr=500mA
I:* If#= 0 Alt= 0 #EPs= 2 Cls=ff(vend.) Sub=00 Prot=00 Driver=(none)
E:  Ad=81(I) Atr=02(Bulk) MxPS= 512 Ivl=0ms
E:  Ad=01(O) Atr=02(Bulk) MxPS= 512 Ivl=0ms
"""
_RECORDING = """\
D: 0
R: 23 05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 c0
N: Some keys
P: usb-0000:00:14.0-1/input0
I: 3 1209 0002
E: 000000.000000 1 02
"""
_REPORT = """\
        ---------------- Connection Information ---------------
Device Address           : 0x05 (5)
Device Bus Speed         : 0x01 (Full-Speed)

    ---------------------- Device Descriptor ----------------------
bLength                  : 0x12 (18 bytes)
Data (HexDump)           : 12 01 00 02 FF 00 00 40 09 12 03 00 00 01 00 00   .......@........
                           00 01                                             ..

    ------------------ Configuration Descriptor -------------------
bLength                  : 0x09 (9 bytes)
Data (HexDump)           : 09 02 19 00 01 01 00 80 32 09 04 00 00 01 FF 00   ........2.......
                           00 00 07 05 81 02 40 00 00                        ......@..
"""
_DEVICE = "12010002 ff000040 09120400 00010000 0001"
_CONFIGURATION = "09021900 01010080 32090400 0001ff00 00000705 81024000 00"
_USBMON = f"""\
ffff8881 1000000 S Ci:1:005:0 s 80 06 0100 0000 0012 18 <
ffff8881 1000100 C Ci:1:005:0 0 18 = {_DEVICE}
ffff8881 1000200 S Ci:1:005:0 s 80 06 0200 0000 0019 25 <
ffff8881 1000300 C Ci:1:005:0 0 25 = {_CONFIGURATION}
"""
SOURCES = {"usb-devices": _LISTING, "hid-recorder": _RECORDING, "Tree Viewer": _REPORT, "usbmon": _USBMON}


def _each(before: str, behind: str = "") -> Wrap:
    return lambda text: "\n".join(f"{before}{line}{behind}" for line in text.splitlines())


def _numbered(text: str) -> str:
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(text.splitlines(), 1))


def _as_issue(text: str) -> str:
    return json.dumps({"title": 'A "quoted" one', "body": "```\r\n" + text.replace("\n", "\r\n") + "```\r\n"})


def _as_attachment(text: str) -> str:
    head = "From: A\n\n--X\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n"
    return head + base64.encodebytes(gzip.compress(text.encode())).decode() + "\n--X--\n"


WRAPS: dict[str, Wrap] = {
    "a page": lambda text: f"<dl><dt>Code:</dt><dd><code>{html.escape(text).replace(chr(10), '<br>')}</code></dd></dl>",
    "a page with blanks that do not break": lambda text: html.escape(text).replace(" ", "&nbsp;").replace("\n", "<br>"),
    "paragraphs": lambda text: "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines()),
    "an issue as JSON": _as_issue,
    "a compressed attachment": _as_attachment,
    "a quotation": _each("> > "),
    "a quotation with initials": _each("AB> "),
    "remarks": _each(" * "),
    "remarks of a shell": _each("# "),
    "a new file of a diff": _each("+"),
    "line numbers": _numbered,
    "grep": _each("dump.txt:7:"),
    "syslog": _each("Jan  1 10:00:00 pc logger[12]: "),
    "a journal": _each("2026-01-01T10:00:00.000001+00:00 pc logger[12]: "),
    "colours": _each("\x1b[0m", "\x1b[K"),
    "another line end": lambda text: text.replace("\n", "\r"),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_what_is_wrapped_is_the_same_device(source: str, wrap: Wrap) -> None:
    (plain,) = import_bytes(source.encode(), "plain")
    (wrapped,) = import_bytes(wrap(source).encode(), "wrapped")
    assert wrapped.device == plain.device
    assert wrapped.synthesised == plain.synthesised


@pytest.mark.parametrize("source", [_LISTING, _REPORT], ids=["usb-devices", "Tree Viewer"])
def test_a_device_that_a_mail_quotes_again_is_one(source: str) -> None:
    assert len(import_bytes((source + "\n" + _each("> ")(source)).encode(), "mail")) == 1


def test_data_of_usbmon_that_a_mailer_put_on_the_next_line_belong_to_the_event() -> None:
    broken = _USBMON.replace(" 0001ff00", "\n0001ff00")
    (imported,) = import_bytes(broken.encode(), "mail")
    assert imported.device == import_bytes(_USBMON.encode(), "plain")[0].device
    assert imported.problems == ()


def test_a_report_whose_characters_a_mailer_put_on_the_next_line_is_whole() -> None:
    (plain,) = import_bytes(_REPORT.encode(), "plain")
    broken = _REPORT.replace("00   ....", "00\n....")
    assert broken != _REPORT
    assert import_bytes(broken.encode(), "mail")[0].device == plain.device


def test_a_report_whose_blanks_a_page_made_one_is_whole() -> None:
    narrow = "\n".join(" ".join(line.split()) for line in _REPORT.splitlines())
    assert import_bytes(narrow.encode(), "page")[0].device == import_bytes(_REPORT.encode(), "plain")[0].device


def test_a_capture_in_a_page_joins_a_dump(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(WRAPS["a page"](_USBMON))
    devices = import_bytes(_USBMON.encode(), "plain")
    assert add_capture(devices, page)[0].device.configurations == devices[0].device.configurations


def test_a_zip_archive_is_named() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lsusb.txt", _LISTING)
    with pytest.raises(InputError, match="is a zip archive; unpack it"):
        import_bytes(packed.getvalue(), "dump.zip")


_ITEMS = {
    "05 01": "Usage Page (Generic Desktop)",
    "09 06": "Usage (Keyboard)",
    "a1 01": "Collection (Application)",
    "05 07": "Usage Page (Keyboard)",
    "19 e0": "Usage Minimum (224)",
    "29 e7": "Usage Maximum (231)",
    "26 ff 00": "Logical Maximum (255)",
    "75 01": "Report Size (1)",
    "95 08": "Report Count (8)",
    "81 02": "Input (Data,Var,Abs)",
    "c0": "End Collection",
}


def _as_hid_decode(raw: str, words: str) -> str:
    return f"# {', '.join(f'0x{byte}' for byte in raw.split())},".ljust(33) + f"// {words:<37}0"


def _as_hidapi(raw: str, words: str) -> str:
    return f"{raw.upper():<17}{words}"


@pytest.mark.parametrize("written", [_as_hid_decode, _as_hidapi])
def test_a_report_descriptor_with_an_item_a_line_is_found_in_a_text(written: Callable[[str, str], str]) -> None:
    lines = "\n".join(written(raw, words) for raw, words in _ITEMS.items())
    text = f"Here is what it prints:\n\n{lines}\n\nThe keys 05 and 06 do nothing.\n"
    (found,) = import_bytes(text.encode(), "mail.txt")
    assert found.device.reports == ((0, bytes.fromhex("".join(_ITEMS))),)
    assert found.origin == "the report descriptor of line 3"


def test_half_a_report_descriptor_in_a_text_is_none() -> None:
    lines = "\n".join(_as_hidapi(raw, words) for raw, words in list(_ITEMS.items())[:-1])
    with pytest.raises(InputError, match="is none of the kinds"):
        import_bytes(f"It prints:\n{lines}\n".encode(), "mail.txt")
