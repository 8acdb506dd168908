"""`lsusb -v` text in mails, web pages, logs and listings: the same devices, or one sentence that says what to do."""

from __future__ import annotations

import base64
import gzip
import html
import quopri
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from usbfuzz.case import load
from usbfuzz.cli.import_ import import_command
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes
from usbfuzz.report.lsusb import render_lsusb

from .lsusb_texts import CORPUS, HEADSET_2007, TEXTS, only

Wrap = Callable[[str], str]

_MAIL = "From: A\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
_SENTENCES = (
    "can't get debug descriptor: Resource temporarily unavailable\n",
    "can't get device qualifier: Ressource temporairement indisponible\n",
    "can't get hub descriptor, LIBUSB_ERROR_PIPE (Broken pipe)\n",
    "Couldn't open device, some information will be missing\n",
    "Couldn't get configuration descriptor 0, some information will be missing\n",
    "cannot read device status, Resource temporarily unavailable (11)\n",
    "[   12.345678] usb 1-1: reset high-speed USB device number 2 using xhci_hcd\n",
)


def _each(before: Callable[[int], str]) -> Wrap:
    return lambda text: "".join(before(number) + line for number, line in enumerate(text.splitlines(True), 1))


def _blocks_of_4096(text: str) -> str:
    """What `lsusb -v >file 2>&1` makes of it: sentences anywhere in a line, two of them at once."""
    rng = random.Random(7)
    cuts = sorted(rng.randrange(len(text)) for _ in range(12))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return "".join(piece + rng.choice(_SENTENCES) * rng.choice((1, 2)) for piece in pieces[:-1]) + pieces[-1]


def _page(text: str) -> str:
    lines = (html.escape(line).replace(" ", "&nbsp;") for line in text.splitlines())
    return (
        "<html><head><style>p { bLength: 3 }</style></head>\n<body><!-- bLength\n --><div>"
        + "<br />\n".join(lines)
        + "</div></body>"
    )


WRAPS: dict[str, Wrap] = {
    "stderr in the middle of lines": _blocks_of_4096,
    "a signature of PGP": lambda text: (
        f"{text}iF0EABECAB0WIQSwWRWIpJbl0W4DemNvf0o9jP6qUwUCYN3tHgAKCRBvf0o9jP6q\n=Y4m0\n"
    ),
    "a sentence about a field": lambda text: f"{text}\nbcdUSB should be 2.00 or higher, the answer says\n",
    "a program": lambda text: f"idProduct = 0x1163\n  a.bLength = 9;\n  a.bNumEndpoints = 2;\n{text}",
    "quoted-printable": lambda text: f"{_MAIL}quoted-printable\n\n{quopri.encodestring(text.encode()).decode()}",
    "quoted-printable, CRLF": lambda text: quopri.encodestring(text.encode()).decode().replace("\n", "\r\n"),
    "base64": lambda text: f"{_MAIL}base64\n\n{base64.encodebytes(text.encode()).decode()}",
    "HTML": _page,
    "HTML in one line": lambda text: "<p>" + html.escape(text).replace(" ", "&nbsp;").replace("\n", "<br>") + "</p>",
    "HTML, quoted": lambda text: f"<pre>{html.escape(_each(lambda _: '> ')(text))}</pre>",
    "HTML, escaped twice": lambda text: f"<pre>{html.escape(html.escape(_each(lambda _: '> ')(text)))}</pre>",
    "HTML, numbered": lambda text: "".join(
        f"<tr><td>{number}</td><td>{html.escape(line)}</td></tr>" for number, line in enumerate(text.splitlines(), 1)
    ),
    "text and HTML": lambda text: f"{text}\n--\n<html>{_page(text)}</html>",
    "ligatures": lambda text: text.replace("Configuration Descriptor", "Con\ufb01guration Descriptor").replace(
        "bNumConfig", "bNumCon\ufb01g"
    ),
    "wide digits": lambda text: text.replace("Length                 9", "Length \u3000 \uff19"),
    "HTML, a table": lambda text: "".join(f"<tr><td>{html.escape(line)}</td></tr>" for line in text.splitlines()),
    "a string of JSON": lambda text: '{"lsusb": "' + text.replace("\n", "\\n") + '"}',
    "line separators": lambda text: text.replace("\n", "\u2028"),
    "carriage returns": lambda text: text.replace("\n", "\r"),
    "colours": lambda text: text.replace("bLength", "\x1b[01;31m\x1b[KbLength\x1b[m\x1b[K"),
    "script(1)": lambda text: f"Script started\n\x1b]0;~: lsusb\x07\x1b[?2004l\r{text}\x1b[?2004h\x1b(B".replace(
        "\n", "\r\n"
    ),
    "cat -n": _each(lambda number: f"{number:6}\t"),
    "grep -n": _each(lambda number: f"{number}:"),
    "a new file of a diff": lambda text: f"@@ -0,0 +1,90 @@\n{_each(lambda _: '+')(text)}",
    "times": _each(lambda number: f"[2026-01-31 23:59:{number % 60:02}.{number:06}] "),
    "a log": _each(lambda number: f"Jan  1 00:{number // 60:02}:{number % 60:02} host lsusb[{number // 40}]: "),
    "a comment": _each(lambda _: " # "),
    "a list": _each(lambda _: "  * "),
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_what_stands_around_the_text_changes_nothing(wrap: Wrap) -> None:
    for text in (*(path.read_text() for path in TEXTS if ".014" in path.name), _corpus("boot-keyboard")):
        wanted, got = only(text.encode()), only(wrap(text).encode())
        assert (got.device, got.problems, got.synthesised) == (wanted.device, wanted.problems, wanted.synthesised)


def _corpus(name: str) -> str:
    return f"\nBus 001 Device 004: ID 0627:0001 {name}\n{render_lsusb(load(CORPUS / f'{name}.toml').devices[0])}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_encodings_of_other_systems_are_read_also_compressed(encoding: str) -> None:
    wanted = only(HEADSET_2007).device
    content = HEADSET_2007.decode().replace("\n", "\r\n").encode(encoding)
    assert only(content).device == only(gzip.compress(content)).device == wanted


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(InputError, match=r"^lsusb\.txt: is empty; give a file with a device in it$"):
        only(b"")


def test_a_soft_line_break_leaves_the_numbers_of_later_lines_as_they_are() -> None:
    lines = HEADSET_2007.decode().splitlines()
    lines[1:2] = ["Device Descri=", "ptor:"]
    at = next(n for n, line in enumerate(lines) if "bcdADC" in line)
    lines[at] = "        bcdADC               one=20"
    assert [problem.line for problem in only("\n".join(lines).encode()).problems] == [at + 1]


@pytest.mark.parametrize(
    ("before", "what"),
    [
        (lambda number: "abcdefgh"[number % 8] + "> ", "every line has something before it"),
        (lambda number: "+-"[number % 2], "is a diff of two dumps; give one of them"),
    ],
)
def test_what_stands_before_lines_and_is_not_the_same_is_one_sentence(before: Callable[[int], str], what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        only(_each(before)(HEADSET_2007.decode()).encode())
    assert str(caught.value).startswith("lsusb.txt: ")


def test_a_device_whose_beginning_is_cut_off_is_named_beside_the_others(tmp_path: Path) -> None:
    whole = HEADSET_2007.decode()
    (tmp_path / "two.txt").write_text(whole[whole.index("    bLength                 9") :] + whole)
    result = CliRunner().invoke(import_command, [str(tmp_path / "two.txt"), "-o", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == (
        f"{tmp_path / 'two.txt'}:1: the device shows no device descriptor; give the whole text of lsusb -v"
    )
    assert len(list(tmp_path.glob("*.toml"))) == 1


def test_a_bos_that_is_not_shown_whole_is_a_problem() -> None:
    bos = "Binary Object Store Descriptor:\n  bLength 5\n  bDescriptorType 15\n  wTotalLength 22\n  bNumDeviceCaps 2\n"
    (found,) = import_bytes(HEADSET_2007 + bos.encode(), "lsusb.txt")
    assert [str(problem) for problem in found.problems] == ["BOS: wTotalLength is 22, the dump shows 5 bytes"]


@pytest.mark.parametrize("encoded", [bytes, quopri.encodestring])
def test_the_no_break_spaces_of_latin_1_are_blanks(encoded: Callable[[bytes], bytes]) -> None:
    content = HEADSET_2007.decode().replace("  ", " \xa0").encode("latin-1")
    assert only(encoded(content)).device == only(HEADSET_2007).device


def test_an_attachment_far_down_in_a_mail_of_many_headers_is_read() -> None:
    headers = "".join(f"X-Filter-{number}: clean\n" for number in range(60))
    log = f"{'a line of a log ' * 60}\n" * 1200
    mail = f"{_MAIL}8bit\n\n{log}\n--=_1\n{_MAIL}base64\n{headers}\n"
    assert only(mail.encode() + base64.encodebytes(HEADSET_2007)).device == only(HEADSET_2007).device


def test_a_value_may_stand_behind_the_blank_lines_that_soft_breaks_leave() -> None:
    webcam = next(path for path in TEXTS if "webcam" in path.name and ".014" in path.name).read_text()
    broken = re.sub(r"guidFormat +(.*)", lambda found: f"guidFormat{'=20' * 24}=\n=20=20\n{found[1]}", webcam)
    assert broken != webcam
    assert only(broken.encode()).device == only(webcam.encode()).device


def test_a_heading_with_nothing_below_it_adds_no_descriptor_of_zeros() -> None:
    got = only(HEADSET_2007 + b"    Interface Descriptor:\n")
    assert got.device == only(HEADSET_2007).device
    assert str(got.problems[-1]).endswith("interface descriptor: nothing of it is shown; left out")


def test_a_capture_that_began_late_does_not_hide_the_dump_in_the_same_mail() -> None:
    late = b"ffff8801 100 S Ii:1:003:1 -115:8 8 <\nffff8801 200 C Ii:1:003:1 0:8 8 = 00000000 00000000\n"
    with pytest.raises(InputError, match="does not tell its device descriptor"):
        only(late)
    assert only(late * 4 + HEADSET_2007).device == only(HEADSET_2007).device
