"""The mail about a crash: whole by RFC 5322, of 72 columns, with all that a maintainer asks for; nothing hostile."""

from __future__ import annotations

import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from attrs import evolve

from tests import KNOWN_BUGS
from tests.triage.golden_files import golden_log
from usbfuzz.case import load, loads
from usbfuzz.case.model import Case
from usbfuzz.crashes.manifestation import Manifestation
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.report.mail import Mail, OnKernel, render_mail
from usbfuzz.report.maintainers import Person, Recipients
from usbfuzz.report.phrases import phrase_of
from usbfuzz.triage import CrashType, extract

from .test_text import crash_of

LOG = golden_log("001").decode(errors="replace")
DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CASES = {path.stem: load(path) for path in sorted(KNOWN_BUGS.glob("*.toml"))}
CASE = CASES["btusb-unplug-uaf"]
SAVED = SavedCrash(crash_of(), CASE, LOG)
MAIL = Mail(
    SAVED,
    SAVED.report,
    kernels=(OnKernel("debian:5.10.223-1", "crashes"), OnKernel("debian:6.1.192-2", "no crash in 3 runs")),
    recipients=Recipients((Person("Ann O. Maintainer", "ann@x.example"),), (Person("", "list@x.example"),)),
    sender=Person("Jürgen Ähnlich", "j@y.example"),
)


def _parsed(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(render_mail(mail, DATE), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def _body(mail: Mail) -> str:
    part = _parsed(mail).get_body()
    assert isinstance(part, EmailMessage)
    text = part.get_content()
    assert isinstance(text, str)
    return text


def test_its_head_is_as_the_kernels_lists_want_it() -> None:
    message = _parsed(MAIL)
    assert message["Subject"] == "[BUG] btusb: general protection fault in device_wakeup_disable"
    assert message["To"] == '"Ann O. Maintainer" <ann@x.example>'
    assert message["Cc"] == "list@x.example"
    assert message["From"] == "Jürgen Ähnlich <j@y.example>"
    assert message["Date"].datetime == DATE


def test_every_line_of_its_head_is_ascii_and_short() -> None:
    head = render_mail(MAIL, DATE).partition(b"\n\n")[0]
    assert head.isascii()
    assert all(len(line) <= 78 for line in head.splitlines())


def test_it_says_all_a_maintainer_asks_for() -> None:
    body = _body(MAIL)
    for words in (
        "makes the driver btusb",
        "general protection fault in device_wakeup_disable",
        "  debian:5.10.223-1           crashes\n",
        "  debian:6.1.192-2            no crash in 3 runs\n",
        "Reproduced: 3 of 3, with one case alone.",
        "In real time: not tried; it was seen in a guest with a warped clock.",
        "Device Descriptor:",
        "usbfuzz replay case.toml --kernel debian:5.10.223-1",
        "gcc -pthread -o repro repro.c && ./repro",
    ):
        assert words in body
    assert "NOT been reproduced" not in body
    assert "not run for this mail" not in body


@pytest.mark.parametrize("name", sorted(CASES))
def test_its_own_words_have_at_most_72_columns_and_the_case_in_it_is_the_case(name: str) -> None:
    case = CASES[name]
    mail = evolve(MAIL, saved=evolve(SAVED, case=case, console=""), report=None)
    body = _body(mail)
    mine = body.partition("What the kernel said")[0]
    assert all(len(line) <= 72 for line in mine.splitlines())
    assert _case_in(mail, body) == case


def _case_in(mail: Mail, body: str) -> Case:
    """The case of a mail, from its body or attached."""
    inline = body.partition("case.toml:\n\n")[2]
    attached = {part.get_filename(): part.get_content() for part in _parsed(mail).iter_attachments()}
    return loads(inline or attached["case.toml"])


def test_what_is_long_is_attached_and_the_mail_says_so() -> None:
    long = CASES["uac3-chmap-loop"]
    mail = evolve(MAIL, saved=evolve(SAVED, case=long))
    names = [part.get_filename() for part in _parsed(mail).iter_attachments()]
    assert "repro.c" in names
    body = " ".join(_body(mail).split())
    assert "repro.c is attached" in body
    for name in names:
        assert f"{name} is attached" in body


def test_a_crash_that_was_not_reproduced_says_so_first() -> None:
    saved = evolve(SAVED, crash=crash_of(reproduced=0, runs=10))
    body = _body(evolve(MAIL, saved=saved))
    assert body.splitlines()[2].startswith("This crash has NOT been reproduced: it was seen 4 times")
    assert "NOT been reproduced" not in _body(evolve(MAIL, saved=saved, came_again=True))


def test_a_crash_without_a_report_of_the_kernels_says_who_saw_it() -> None:
    body = _body(evolve(MAIL, saved=evolve(SAVED, console="usb 1-1: new device\n"), report=None))
    assert "saw it stop. This is the end of its console. usb 1-1: new device " in " ".join(body.split())


def test_a_report_that_is_cut_off_says_so() -> None:
    (report, *_) = extract(LOG)
    body = _body(evolve(MAIL, report=evolve(report, corruption="no stack")))
    assert "The report may not be whole: no stack.\n" in body


def test_what_may_be_no_bug_of_its_own_says_so() -> None:
    saved = evolve(SAVED, crash=crash_of(reproduced=0, runs=10, doubt="memory was being corrupted"))
    assert "It may be no bug of its own: memory was being corrupted." in _body(evolve(MAIL, saved=saved))


def test_the_guilty_driver_is_blamed_and_what_else_it_led_to_is_listed() -> None:
    others = tuple(
        Manifestation(f"WARNING in f{number}", (), "", number, "merged by hand") for number in range(9, 0, -1)
    )
    mail = evolve(MAIL, saved=evolve(SAVED, crash=crash_of(guilty="hid_widget", manifestations=others)))
    assert _parsed(mail)["Subject"].startswith("[BUG] hid-widget: ")
    body = " ".join(_body(mail).split())
    assert "It also showed as: WARNING in f9 (9 x); WARNING in f8 (8 x);" in body
    assert "and 4 more." in body


def test_what_is_left_to_the_sender_stands_at_the_top() -> None:
    mail = evolve(MAIL, recipients=Recipients(), sender=None, notes=("To: is left to you, as x.", "From: is too."))
    message = _parsed(mail)
    assert message["To"] is message["From"] is message["Cc"] is None
    assert _body(mail).startswith("[ To: is left to you, as x. Delete these lines. ]\n\n[ From: is too.")


def test_kernels_that_were_not_run_are_said_to_be_old_news() -> None:
    body = _body(evolve(MAIL, were_run=False, kernels=()))
    assert "The kernels were not run for this mail" in body
    assert "None is known." in body


def test_a_kernel_that_is_not_recorded_is_left_out_of_the_command() -> None:
    body = _body(evolve(MAIL, saved=evolve(SAVED, crash=crash_of(kernel=""))))
    assert "    usbfuzz replay case.toml\n" in body


def test_nothing_in_a_crash_breaks_out_of_its_place() -> None:
    title = "WARNING in x\nBcc: all@x.example\r\n\x1b[31m"
    hostile = crash_of(title, driver="a\nCc: b@x.example", kernel="debian:1\nX: y", alt_titles=("\x00",))
    message = _parsed(evolve(MAIL, saved=evolve(SAVED, crash=hostile, console="\x1b[31m\x00" * 3), report=None))
    assert message["Bcc"] is None
    assert message["Cc"] == "list@x.example"
    assert "\x1b" not in _body(evolve(MAIL, saved=evolve(SAVED, crash=hostile, console="\x1b[31m\x00"), report=None))


def test_a_line_that_is_too_long_for_mail_is_encoded() -> None:
    saved = evolve(SAVED, console="x" * 5000)
    raw = render_mail(evolve(MAIL, saved=saved, report=None), DATE)
    assert all(len(line) <= 998 for line in raw.splitlines())
    assert "x" * 5000 in _body(evolve(MAIL, saved=saved, report=None))


@pytest.mark.parametrize("kind", [*CrashType, ""])
def test_every_type_of_crash_is_told_in_words(kind: str) -> None:
    assert phrase_of(kind).split()[0].islower()
