"""Files that are sent as text: in UTF-8 whatever their encoding was, and a word about those that are no text.

A log of a serial line, of memory that survived a reset, or of a machine that lost power holds zeros and rubbish and is
a log still, so proportions decide.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from usbfuzz.errors import InputError

from .packed import MAX_BYTES, unpack

__all__ = ["foreign", "log_of"]

#: The longer ones first, as one begins with another.
_BOMS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

#: Files that are sent where a text was meant, by how they begin: what they are, and what to give instead.
_NO_TEXTS: Mapping[bytes, str] = {
    b"\x7fELF": "a program, a module or the memory of a crashed kernel (ELF); give the kernel's log in it",
    b"KDUMP   ": "the memory of a crashed kernel; give its log: makedumpfile --dump-dmesg",
    b"DISKDUMP": "the memory of a crashed kernel; give its log: makedumpfile --dump-dmesg",
    b"makedumpfile\0": "the memory of a crashed kernel; give its log: makedumpfile --dump-dmesg",
    b"LPKSHHRH": "a journal as systemd keeps it; give the text: journalctl -k --file=FILE",
    b"PK\x03\x04": "a zip archive; unpack it and give the text",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it and give the text",
    b"Rar!\x1a": "a RAR archive; unpack it and give the text",
    b"\x04\x22\x4d\x18": "lz4-compressed; unpack it: unlz4",
    b"\x89LZO": "lzo-compressed; unpack it: lzop -d",
    b"\x1f\x9d": "compressed by compress; unpack it: uncompress",
    b"\x89PNG\r\n": "a picture (PNG); give the text",
    b"\xff\xd8\xff": "a picture (JPEG); give the text",
    b"GIF8": "a picture (GIF); give the text",
    b"%PDF-": "a PDF document; give the text",
    b"\xd4\xc3\xb2\xa1": "a capture (pcap)",
    b"\xa1\xb2\xc3\xd4": "a capture (pcap)",
    b"\x4d\x3c\xb2\xa1": "a capture (pcap)",
    b"\xa1\xb2\x3c\x4d": "a capture (pcap)",
    b"\x0a\x0d\x0d\x0a": "a capture (pcapng)",
    b"SQLite format 3\0": "a database (SQLite)",
}
_TAR, _TAR_AT = b"ustar", 257  #: what a tar archive has, and its byte offset

#: Zeros and ones in every bit are what a file, or flash memory, holds where nothing was written.
_NOTHING = b"\0\xff"
_CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n\r\f\v\b\a\x1b"})
_ALL_BUT_CONTROLS = bytes(set(range(256)) - set(_CONTROLS))
#: Of random bytes 9 % are controls, of a program 15 %, of a text with rubbish in it less; words decide between these.
_FEW_CONTROLS, _MANY_CONTROLS = 0.02, 0.07
#: Random bytes have next to none of these, a program some.
_WORDS = re.compile(rb"[\t\r\n\x1b\x20-\x7e]{16,}")
_ENOUGH_WORDS = 0.25  #: of the bytes
#: That much is looked at for words.
_LOOK = 4 << 20  #: bytes

_BAD = "\ufffd"  #: what Python puts where bytes are no character
#: Of random bytes taken for UTF-16 one pair in thirty is half a character.
_FEW_BAD = 0.01

#: UTF-16 without a mark is told by the zeros in every other byte: at least this share of them, and next to none of the
#: others. Languages in other scripts have spaces and line ends.
_ZEROS_OF_UTF16 = 0.4
_ZEROS_BESIDE = 0.05


def log_of(content: bytes, name: str, most: int = MAX_BYTES) -> bytes:
    """A log's bytes in UTF-8: uncompressed, and changed only if they were UTF-16 or UTF-32.

    ``name`` is what messages call the file. Raises InputError when it is empty, damaged, holds more than ``most``
    bytes, or is no text; InfraError when a program to unpack it is missing.
    """
    content = unpack(content, name, most)
    if not content.strip():
        raise InputError(f"{name}: is empty; give a file with text in it")
    wide, what = _wide(content), ""
    if wide is not None:
        text = content.decode(wide, "replace").removeprefix("\ufeff")
        what = _binary(text.count(_BAD), len(text), "no characters") if text.count(_BAD) > len(text) * _FEW_BAD else ""
        content = text.encode("utf-8", "replace")
    what = what or _no_text(content)
    if what:
        raise InputError(f"{name}: is no text but {what}")
    return content


def _wide(content: bytes) -> str | None:
    """The encoding of a text whose characters have two or four bytes; None for any other."""
    for mark, encoding in _BOMS.items():
        if content.startswith(mark):
            return encoding
    pairs = len(content) // 2
    first, second = content[: 2 * pairs : 2].count(0), content[1 : 2 * pairs : 2].count(0)
    if second > pairs * _ZEROS_OF_UTF16 and first < pairs * _ZEROS_BESIDE:
        return "utf-16-le"
    if first > pairs * _ZEROS_OF_UTF16 and second < pairs * _ZEROS_BESIDE:
        return "utf-16-be"
    return None


def foreign(content: bytes) -> str:
    """What a file is that is sent where a text was meant, and what to give instead; empty when it is none of them."""
    return next((what for magic, what in _NO_TEXTS.items() if content.startswith(magic)), "")


def _no_text(content: bytes) -> str:
    """What a file that is no text seems to be; empty for a text."""
    if what := foreign(content):
        return what
    if content.startswith(_TAR, _TAR_AT):
        return "a tar archive; unpack it and give the text"
    written = content.translate(None, _NOTHING)
    if not written:
        return "nothing but zeros; the machine lost power before the text was on its disk"
    controls = len(written.translate(None, _ALL_BUT_CONTROLS))
    if controls <= len(written) * _FEW_CONTROLS:
        return ""
    look = written[:_LOOK]
    words = sum(map(len, _WORDS.findall(look)))
    if controls <= len(written) * _MANY_CONTROLS and words >= len(look) * _ENOUGH_WORDS:
        return ""
    return _binary(controls, len(written), "control characters")


def _binary(bad: int, of: int, what: str) -> str:
    return f"binary data ({bad * 100 // of} % of it are {what}); give the text"
