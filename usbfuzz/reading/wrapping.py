"""What mailers, browsers and terminals wrap a text in, taken off again: what was meant is read.

:func:`unwrapped` takes all of it off, for importers; lines keep their numbers where that is possible: a line that was
broken in two is followed by an empty one. :func:`unmailed` takes off only what surely is a mail's, for logs: "pid=20"
is nothing else in one.
"""

from __future__ import annotations

import binascii
import html
import quopri
import re
from collections.abc import Callable, Iterable

from usbfuzz.errors import InfraError, InputError

from .packed import unpack

__all__ = ["decoded", "joined", "unmailed", "unwrapped"]

_HARD_ENDS = ("\u2028", "\u2029", "\x85", "\x0b")  #: what ends lines where no line feed does: word processors, EBCDIC
#: bytes that are no UTF-8, as the codec's surrogateescape passes them on (PEP 383), to Latin-1 without its controls
_LATIN_1 = {0xDC00 + byte: byte if byte >= 0xA0 else 0xFFFD for byte in range(0x80, 0x100)}
_FEW = 4  #: lines that a text has which ends them otherwise

#: ECMA-48 §5.4 and §5.6: control sequences, control strings (the window's title) and two-character escapes
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-Z\\-~])")
#: RFC 8259 §7; programs write the same in their strings
_ESCAPED = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_ESCAPED_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_QUOTED_PRINTABLE = re.compile(
    r"^Content-Transfer-Encoding:[ \t]*quoted-printable|=3D|=A0|=20[ \t]*$", re.IGNORECASE | re.MULTILINE
)
#: A field of a list says the same: "Atr=a0" of usb-devices.
_FIELDS = ("=A0", "=20")
#: What every header of an encoded part has, however its name is written.
_HEADER = b"ransfer-"
#: A part of a mail that its header calls quoted-printable, up to the next one's header or the end: its own lines.
_PART = re.compile(
    r"^Content-Transfer-Encoding:[ \t]*quoted-printable[ \t]*\n(?:[^\n]{1,998}\n){0,40}\n"
    r"(?P<body>(?:(?!--[^\n]{1,72}\nContent-)[^\n]*(?:\n|\Z))*+)",
    re.IGNORECASE | re.MULTILINE,
)
_SIGN = re.compile(r"=(?:([0-9A-F]{2}|[ \t]*$))?", re.MULTILINE)  #: of an escape; group 1 where it is one
_NEARLY_ALL = 0.95  #: of the signs
_SOFT_BREAK = re.compile(r"=[ \t]*$")
_BASE64 = re.compile(
    r"^(Content-Transfer-Encoding:[ \t]*base64[ \t]*\n(?:[^\n]{1,998}\n){0,200}\n)"
    r"((?:[A-Za-z0-9+/]{4,80}={0,2}[ \t]*\n)+)",
    re.IGNORECASE | re.MULTILINE,
)
_MOST_ATTACHED = 64 << 20  #: bytes of all attachments of a mail
_MARKUP = re.compile(
    r"<br\s*/?>|&(?:nbsp|gt|lt|#160|#6[02]|#xa0|#x3[ce]);|</(?:pre|p|div|td|span|code|body)>", re.IGNORECASE
)
_CELL = re.compile(r"<t[dh]\b[^<>]{0,500}>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b|<!(--)", re.IGNORECASE)
_UNSEEN_ENDS = {
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
    "--": re.compile(r"-->"),
}
_BREAK = re.compile(
    r"<br\b[^<>]{0,100}>\n?|</?(?:p|div|li|tr|d[dtl]|pre|table|blockquote|h\d)\b[^<>]{0,500}>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,9});")


def decoded(content: bytes) -> str:
    """The text of UTF-8; bytes that are none are Latin-1, as older mails and consoles have it: 0xa0 is a blank."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("utf-8-sig", "surrogateescape").translate(_LATIN_1)


def unwrapped(text: str) -> str:
    """The text without transfer encodings of mails, HTML, escape sequences; its lines end in a line feed each.

    A text that is one string of JSON, as bug trackers give it, is read as what the string says.
    """
    text = _with_line_feeds(_from_string(text))
    for opened in (_from_base64, _from_quoted_printable, _from_html, _from_html):  # some is escaped twice
        text = opened(text)
    return _ESCAPES.sub("", text)


def unmailed(content: bytes) -> bytes:
    """A log without a mail's transfer encodings, base64 and quoted-printable; the bytes as they are if it has none.

    A piece of a mail without its header is told by "=3D" and by signs that are escapes next to all of them.
    """
    headed = _HEADER in content
    if not headed and b"=3D" not in content:
        return content
    text = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    plain = _from_base64(text)
    if headed and _PART.search(plain):
        plain = _PART.sub(lambda part: part[0].removesuffix(part["body"]) + _if_escaped(part["body"]), plain)
    elif "=3D" in plain:
        plain = _if_escaped(plain)
    return content if plain == text else plain.encode("utf-8", "surrogateescape")


def _if_escaped(text: str) -> str:
    """The text behind quoted-printable; as it is when its signs of equality are no escapes."""
    if not _is_escaped(text):
        return text
    return quopri.decodestring(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _is_escaped(text: str) -> bool:
    escapes = [sign[1] is not None for sign in _SIGN.finditer(text)]
    return sum(escapes) >= max(len(escapes) * _NEARLY_ALL, 1)


def joined(lines: Iterable[str], broken: Callable[[str], int | None]) -> list[str]:
    """Lines of which some were broken; ``broken`` says where a line's own part ends, None for a whole one.

    Behind a line that is whole again stand as many empty ones as it was broken by.
    """
    found: list[str] = []
    parts: list[str] = []
    for line in lines:
        end = broken(line)
        parts.append(line[:end])
        if end is None:
            found += ["".join(parts), *[""] * (len(parts) - 1)]
            parts = []
    return [*found, "".join(parts)] if parts else found


def _with_line_feeds(text: str) -> str:
    text = re.sub(r"\r+\n|\r", "\n", text)
    for end in _HARD_ENDS:
        if text.count("\n") < _FEW < text.count(end):
            text = text.replace(end, "\n")
    return text


def _from_string(text: str) -> str:
    """A text that is a string of JSON or of a program: its line feeds are escapes."""
    if text.count("\\n") <= text.count("\n"):
        return text
    text = _ESCAPED.sub(_letter, text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _ESCAPED_LETTERS.get(escape[2], escape[2])


def _from_base64(text: str) -> str:
    """RFC 2045 §6.8, where a header announces it; attachments may be compressed."""

    left = _MOST_ATTACHED

    def opened(match: re.Match[str]) -> str:
        nonlocal left
        try:
            content = unpack(binascii.a2b_base64(match[2]), "the attachment", left)
        except (binascii.Error, InputError, InfraError):
            return match[0]
        left -= len(content)
        return match[1] + decoded(content).replace("\r\n", "\n")

    return _BASE64.sub(opened, text)


def _from_quoted_printable(text: str) -> str:
    """RFC 2045 §6.7."""
    found = _QUOTED_PRINTABLE.search(text)
    if found is None or (found[0].upper().rstrip() in _FIELDS and not _is_escaped(text)):
        return text
    whole = "\n".join(joined(text.split("\n"), _soft_break))
    return decoded(quopri.decodestring(whole.encode("utf-8", "replace")))


def _soft_break(line: str) -> int | None:
    found = _SOFT_BREAK.search(line, max(line.rfind("="), 0))
    return found.start() if found else None


def _from_html(text: str) -> str:
    """The text as a browser shows it, or nearly."""
    if not _MARKUP.search(text):
        return text
    text = _CELL.sub(" ", _BREAK.sub("\n", _without_unseen(text)))
    text = _TAG.sub("", text)
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def _without_unseen(text: str) -> str:
    """HTML without scripts, styles and comments, of which the line breaks stay."""
    parts, at = [], 0
    while (found := _UNSEEN.search(text, at)) is not None:
        end = _UNSEEN_ENDS[(found[1] or found[2]).lower()].search(text, found.end())
        if end is None:
            break
        parts += [text[at : found.start()], "\n" * text.count("\n", found.start(), end.start())]
        at = end.end()
    return "".join((*parts, text[at:]))
