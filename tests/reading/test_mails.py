"""Logs in mails: encoded as mailers do it, whole or a piece, and logs that only look like it."""

from __future__ import annotations

import quopri
import random
import time
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.reading import unmailed

_LOG = (
    "[   12.003000] usb 1-1: Product: Tastatur für Müller\n"
    + "".join(
        f'[   12.{number:06d}] audit: type=1130 pid={number} uid=0 comm="a" --- 0x{number:08x} ' + "word " * 30 + "\n"
        for number in range(40)
    )
    + "[   13.000000] ------------[ cut here ]------------\nlast=20\n"
)


@pytest.mark.parametrize("policy", [EmailPolicy(), SMTP], ids=["lf", "crlf"])
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
@pytest.mark.parametrize("attached", [False, True], ids=["alone", "beside HTML"])
def test_a_log_is_read_out_of_a_mail(encoding: str, attached: bool, policy: EmailPolicy) -> None:
    mail = EmailMessage(policy)
    mail["Subject"] = "it crashed"
    mail["DKIM-Signature"] = "v=1; a=rsa-sha256; d=example.org; s=a; bh=aaaa; b=bbbb"
    mail.set_content(_LOG, cte=encoding)
    if attached:
        mail.add_alternative("<p>a=b</p>", subtype="html", cte="quoted-printable")
    raw = mail.as_bytes()
    assert _LOG.encode() not in raw.replace(b"\r\n", b"\n")
    assert _LOG.encode() in unmailed(raw)


def test_a_piece_of_a_mail_is_read() -> None:
    assert unmailed(quopri.encodestring(_LOG.encode())) == _LOG.encode()


@pytest.mark.parametrize("words", ["", "a line with rbx=3D00\n", "Content-Transfer-Encoding: quoted-printable\n\n"])
def test_a_log_that_is_not_encoded_keeps_its_bytes(words: str) -> None:
    raw = (words + _LOG).encode() + b"\xff\r\n"
    assert unmailed(raw) == raw


def test_a_mail_that_carries_another_file_as_it_is_keeps_its_bytes() -> None:
    mail = EmailMessage()
    mail.set_content("see there: a=3Db \u00fc\n", cte="quoted-printable")
    raw = mail.as_bytes().rstrip() + b"\n--x\nContent-Transfer-Encoding: 8bit\n\n" + _LOG.encode()
    assert unmailed(raw).endswith(_LOG.encode())


_PIECES = ("Content-Transfer-Encoding: quoted-printable\n", "Content-Transfer-Encoding: base64\n")


@given(st.lists(st.sampled_from([*_PIECES, "\n", "a: b\n", "=3D", "=\n", "--x\nContent-", "QUJD\n", "\udcff", "="])))
def test_any_mail_is_survived(pieces: list[str]) -> None:
    unmailed("".join(pieces).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("piece", [*_PIECES, "a: b\n", "=3D", "=\n", "--x\n", "=" + " " * 50, "QUJD\n"])
def test_a_mail_without_end_is_no_trap(piece: str) -> None:
    began = time.process_time()
    unmailed(("".join(_PIECES) + "\n" + "=3D" + piece * (300_000 // len(piece))).encode())
    unmailed((random.Random(1).choice(_PIECES) + "\n" + piece * (300_000 // len(piece))).encode())
    assert time.process_time() - began < 1.0
