"""The mail about a crash, as its maintainer gets it: plain text of 72 columns, long reproducers attached.

RFC 5322, with MIME's parts where something is attached; nothing here sends it. What is copied (the kernel's lines, the
device, the reproducer) is not wrapped.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from pathlib import PurePosixPath

from attrs import field, frozen

from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Case
from usbfuzz.crashes.layout import CASE_FILE, GADGET_FILE, LSUSB_FILE, USE_FILE
from usbfuzz.crashes.record import Crash
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.errors import CaseError
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.triage import Report

from .gadget import load_modules, render_gadget
from .maintainers import Person, Recipients
from .phrases import phrase_of
from .programs import used
from .use import BUILD_AND_RUN, render_use
from .words import COLUMNS, by_the_probe, clean, confirmed, identity, oops_of, reproduced, schedule, section, wrapped

__all__ = ["Mail", "OnKernel", "render_mail"]

_INLINE = 120  #: lines of a text that is in the mail itself; longer ones are attached
_LINES = EmailPolicy(linesep="\n", cte_type="8bit", max_line_length=998)  #: of a body: RFC 5322 §2.1.1
_HEADERS = SMTP.clone(linesep="\n", cte_type="8bit")
_MANIFESTATIONS = 5  #: that are named
_NAME = 26  #: columns for the name of a kernel


@frozen
class OnKernel:
    """What is known of one kernel."""

    name: str
    words: str  #: "crashes", "no crash in 3 runs" …


@frozen
class Mail:
    """What the mail is made of, besides the crash."""

    saved: SavedCrash
    report: Report | None  #: with source lines if there is debug information
    kernels: tuple[OnKernel, ...] = ()  #: in the order they are shown in
    came_again: bool = False  #: the crash came when the kernels were run
    were_run: bool = True  #: the kernels were run for this mail
    recipients: Recipients = field(factory=Recipients)
    sender: Person | None = None
    notes: tuple[str, ...] = ()  #: to the one who sends it: what is left to do


def render_mail(mail: Mail, date: datetime) -> bytes:
    """The mail as a file for ``git send-email`` or ``mutt -H``."""
    message = EmailMessage(_LINES)
    if mail.sender is not None:
        message["From"] = _addresses([mail.sender])
    for name, people in (("To", mail.recipients.to), ("Cc", mail.recipients.cc)):
        if people:
            message[name] = _addresses(people)
    message["Subject"] = _subject(mail)
    message["Date"] = date
    texts = dict(_texts(mail.saved))
    inline = {name: text for name, text in texts.items() if text.count("\n") <= _INLINE}
    attached = {name: text for name, text in texts.items() if name not in inline}
    message.set_content("\n".join(line.rstrip() for line in _body(mail, inline, tuple(attached))) + "\n")
    for name, text in attached.items():
        message.add_attachment(text, filename=name)
    return message.as_bytes(policy=_HEADERS)


def _addresses(people: Iterable[Person]) -> tuple[Address, ...]:
    return tuple(Address(person.name, addr_spec=person.address) for person in people)


def _subject(mail: Mail) -> str:
    """``[BUG] snd-usb-audio: general protection fault in …``: the driver first, as the kernel's lists have it."""
    crash = mail.saved.crash
    title = clean(crash.title).removeprefix("BUG: ")
    driver = _driver(mail)
    return f"[BUG] {driver}: {title}" if driver else f"[BUG] USB: {title}"


def _driver(mail: Mail) -> str:
    """The module to blame; "" when it is not known."""
    crash = mail.saved.crash
    named = (crash.guilty, mail.report.module if mail.report else None, crash.driver.partition(",")[0])
    return clean(next(filter(None, named), "")).replace("_", "-")


def _texts(saved: SavedCrash) -> Iterator[tuple[str, str]]:
    """Name and text of what may be attached."""
    crash = saved.crash
    yield LSUSB_FILE, "\n".join(map(render_lsusb, saved.case.devices)).rstrip("\n") + "\n"
    yield CASE_FILE, _narrow(saved.case)
    yield GADGET_FILE, render_gadget(saved.case, title=crash.title, kernel=crash.kernel)
    if used(saved.case):
        yield USE_FILE, render_use(saved.case, title=crash.title, kernel=crash.kernel)


def _narrow(case: Case) -> str:
    """The case with its comments cut to the width of a mail."""
    text = dumps(case)
    lines = (line if "  #" not in line[:COLUMNS] else line[:COLUMNS].rstrip() for line in text.splitlines())
    narrow = "\n".join(lines) + "\n"
    try:
        return narrow if loads(narrow) == case else text
    except CaseError:
        return text


def _body(mail: Mail, inline: dict[str, str], attached: tuple[str, ...]) -> Iterator[str]:
    for note in mail.notes:
        yield from wrapped(f"[ {note} Delete these lines. ]")
        yield ""
    yield "Hi,"
    yield ""
    yield from _summary(mail)
    yield from section("Kernels", list(_kernels(mail)))
    yield from section("How often", list(_often(mail)))
    said = [*_doubt(mail.report), *by_the_probe(mail.report), *oops_of(mail.report, mail.saved.console)]
    yield from section("What the kernel said", said)
    yield from section("The device", list(_device(inline)))
    yield from section("To reproduce", list(_reproducer(mail, inline, attached)))


def _summary(mail: Mail) -> Iterator[str]:
    saved = mail.saved
    if not _reproducible(mail):
        yield from wrapped(
            f"This crash has NOT been reproduced: it was seen {_times(saved.crash.total)}, and the input that it came "
            "with did not show it again. Take the device below as a hint, not as a reproducer."
        )
        if saved.crash.doubt:
            yield from wrapped(f"It may be no bug of its own: {clean(saved.crash.doubt)}.")
        yield ""
    named = " and ".join(f"{identity(device)}, {device.speed.value} speed" for device in saved.case.devices)
    driver = _driver(mail)
    where = f", in {clean(mail.report.frame)}()" if mail.report and mail.report.frame else ""
    yield from wrapped(
        f"A USB device ({named}) makes {f'the driver {driver}' if driver else 'the kernel'} "
        f"{phrase_of(saved.crash.type)}{where}:"
    )
    yield ""
    yield from (f"    {line}" for line in wrapped(clean(saved.crash.title)))
    yield ""
    code = f"The code is in {clean(mail.report.file)}. " if mail.report and mail.report.file else ""
    yield from wrapped(
        f"{code}The device is simulated, by usbfuzz; a real one that sends the same descriptors and answers does the "
        "same. What happens to it:"
    )
    yield ""
    yield from (f"  {line}" for line in schedule(saved.case, COLUMNS - 2))


def _times(count: int) -> str:
    return f"{count} times" if count > 1 else "once"


def _doubt(report: Report | None) -> list[str]:
    """What there is to say of a report that is none, or not whole."""
    if report is None:
        return [*wrapped("The kernel printed no report: usbfuzz saw it stop. This is the end of its console."), ""]
    return [*wrapped(f"The report may not be whole: {clean(report.corruption)}."), ""] if report.corruption else []


def _reproducible(mail: Mail) -> bool:
    minimized = mail.saved.minimized
    return bool(mail.came_again or mail.saved.crash.reproduced or (minimized and minimized.hits))


def _kernels(mail: Mail) -> Iterator[str]:
    if not mail.were_run:
        yield from wrapped("The kernels were not run for this mail; this is what had been seen before.")
        yield ""
    for kernel in mail.kernels:
        name = clean(kernel.name)
        lines = wrapped(f"  {name:<{_NAME}}  {clean(kernel.words)}", hang=_NAME + 4)
        yield from lines
    if not mail.kernels:
        yield "None is known."


def _often(mail: Mail) -> Iterator[str]:
    crash = mail.saved.crash
    yield from wrapped(f"Reproduced: {reproduced(crash, mail.saved.minimized)}.")
    real = confirmed(crash)
    yield from wrapped(f"In real time: {real or 'yes, it was seen in a guest whose clock was not warped'}.")
    yield from _manifestations(crash)
    if params := " ".join(mail.saved.case.guest.kernel_params):
        yield from wrapped(f"Booted with: {clean(params)}")


def _manifestations(crash: Crash) -> Iterator[str]:
    """What else the same cause led to."""
    if crash.manifestations:
        titles = "; ".join(f"{other.title} ({other.count} x)" for other in crash.manifestations[:_MANIFESTATIONS])
        more = len(crash.manifestations) - _MANIFESTATIONS
        yield from wrapped(f"It also showed as: {clean(titles)}{f'; and {more} more' if more > 0 else ''}.")


def _device(inline: dict[str, str]) -> Iterator[str]:
    if LSUSB_FILE in inline:
        yield from inline[LSUSB_FILE].splitlines()
    else:
        yield from wrapped(f"{LSUSB_FILE} is attached: the device as lsusb -v shows it.")


def _reproducer(mail: Mail, inline: dict[str, str], attached: tuple[str, ...]) -> Iterator[str]:
    kernel = f" --kernel {shlex.quote(mail.saved.crash.kernel)}" if mail.saved.crash.kernel else ""
    there = "below" if CASE_FILE in inline else "attached"
    yield from wrapped(f"With usbfuzz, which fetches the kernel; {CASE_FILE} is {there}:")
    yield f"    usbfuzz replay {CASE_FILE}{kernel}"
    yield ""
    yield from wrapped(
        f"On the machine itself, as root, with CONFIG_USB_RAW_GADGET and CONFIG_USB_DUMMY_HCD; {GADGET_FILE} is "
        f"{'attached' if GADGET_FILE in attached else 'below'}:"
    )
    yield f"    {load_modules(mail.saved.case)}"
    yield f"    gcc -pthread -o {PurePosixPath(GADGET_FILE).stem} {GADGET_FILE} && ./{PurePosixPath(GADGET_FILE).stem}"
    if used(mail.saved.case):
        where = "attached" if USE_FILE in attached else "below"
        yield ""
        yield from wrapped(f"Beside it, and begun first, what user space does with the device; {USE_FILE} is {where}:")
        yield f"    {BUILD_AND_RUN}"
    for name in (CASE_FILE, GADGET_FILE, USE_FILE):
        if name in inline:
            yield from ("", f"{name}:", "", *inline[name].rstrip("\n").splitlines())
