"""Find out what belongs into the mail about a crash."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import frozen

from harness.guest.kernels import default_cache, installed, resolve
from harness.guest.kernels.debug import debug_directory
from harness.guest.kernels.specs import TreeSpec, parse_spec
from harness.guest.kernels.versions import version_key
from usbfuzz.crashes.layout import CASE_FILE
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.errors import InfraError, InputError, UsbfuzzError
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown, find_presence
from usbfuzz.jobs.regress.run import RegressOptions
from usbfuzz.report.mail import Mail, OnKernel
from usbfuzz.report.maintainers import Person, Recipients, parse_maintainers, recipients
from usbfuzz.triage import Report, Symbols, symbolize

from .guilty import guilty_files, module_directories
from .tree import read_maintainers, tree_of

__all__ = ["MailOptions", "prepare_mail"]

_Progress = Callable[[str], None]
_CONFIG_SECONDS = 10.0  #: for git to read its configuration


@frozen
class MailOptions:
    """What ``usbfuzz crashes mail`` was asked for."""

    kernels: tuple[str, ...] = ()  #: to run the case on; none: all in the cache, and the one it was seen on
    run: bool = True
    source: Path | None = None  #: a kernel tree with MAINTAINERS; None: the kernel's own


async def prepare_mail(directory: Path, options: MailOptions, on_progress: _Progress) -> Mail:
    """All that the mail about the crash in ``directory`` says. Raises InputError and CaseError, InfraError.

    What cannot be had (source, debug information, a kernel) is left out, and the mail or its sender is told.
    """
    saved = SavedCrash.read(directory)
    bug = Bug.read(directory / CASE_FILE)
    found = await _ask(bug, saved, options, on_progress) if options.run else ()
    kernel = saved.crash.kernel
    notes: list[str] = []
    to = Recipients()
    tree: Path | None = None
    try:
        tree = options.source or tree_of(kernel, default_cache(), on_progress=on_progress)
        text = read_maintainers(tree)
    except UsbfuzzError as error:
        notes.append(f"To: is left to you, as the kernel's MAINTAINERS cannot be had: {error}.")
    report = _with_lines(saved.report, kernel, on_progress)
    if not notes:
        files = guilty_files(report, saved.crash.guilty, _drivers(saved), _directories(kernel, on_progress), tree)
        to = recipients(parse_maintainers(text), files)
        notes += _notes(to, files)
        on_progress(f"blamed: {', '.join(files) or 'no file'}; MAINTAINERS: {', '.join(to.sections) or 'no section'}")
    sender = _sender()
    if sender is None:
        notes.append("From: is left to you: git config user.email says no address.")
    return Mail(
        saved,
        report,
        kernels=_rows(bug, found),
        came_again=any(seen.shown is Shown.YES for seen in found),
        were_run=options.run,
        recipients=to,
        sender=sender,
        notes=tuple(notes),
    )


async def _ask(bug: Bug, saved: SavedCrash, options: MailOptions, on_progress: _Progress) -> tuple[Presence, ...]:
    """The case on the kernels that are wanted."""
    here = (kernel.name for kernel in installed(default_cache()))
    wanted = options.kernels or tuple(dict.fromkeys(filter(None, (saved.crash.kernel, *here))))
    if not wanted:
        return ()
    on_progress(f"running the case on {', '.join(wanted)}")
    found = await find_presence(bug, RegressOptions(wanted), on_progress=on_progress)
    for seen in found:
        if seen.error is not None:
            on_progress(f"{seen.kernel} could not be run: {seen.error}")
    return found


def _notes(to: Recipients, files: Sequence[str]) -> list[str]:
    """What is left to the sender of a mail whose recipients were looked for."""
    if not files:
        return ["To: is left to you: neither the report nor a driver says which file is to blame."]
    if not to.to:
        why = f"nobody looks after {', '.join(to.orphaned)}" if to.orphaned else "MAINTAINERS names nobody"
        return [f"To: is left to you: {why} for {', '.join(files)}."]
    return []


def _drivers(saved: SavedCrash) -> list[str]:
    return [name.strip() for name in saved.crash.driver.split(",") if name.strip()]


def _directories(kernel: str, on_progress: _Progress) -> dict[str, str]:
    """Where the kernel's modules are built; nothing when it cannot be had."""
    try:
        return module_directories(resolve(kernel, default_cache(), on_progress=on_progress).modules)
    except UsbfuzzError as error:
        on_progress(f"without the places of its modules: {error}")
        return {}


def _with_lines(report: Report | None, kernel: str, on_progress: _Progress) -> Report | None:
    """The report with source lines where there is debug information."""
    if report is None or not kernel:
        return report
    try:
        spec = parse_spec(kernel)
        place = spec.path if isinstance(spec, TreeSpec) else debug_directory(default_cache(), kernel)
        report = symbolize(report, Symbols.find([place])) if place.is_dir() else report
    except (InputError, InfraError) as error:
        on_progress(f"without source lines: {error}")
    else:
        if not place.is_dir():
            on_progress(f"without source lines: `usbfuzz kernel debug {kernel}` fetches what they need, 1 to 2 GB")
    return report


def _rows(bug: Bug, found: Iterable[Presence]) -> tuple[OnKernel, ...]:
    """What was seen now, and of other kernels what the case has recorded; oldest version first."""
    rows = {seen.kernel: OnKernel(seen.kernel, _words(seen)) for seen in found}
    for kernel, row in bug.recorded.items():
        words = "crashes" if row.names & {bug.title, *bug.alt_titles} else row.title or "no crash"
        rows.setdefault(kernel, OnKernel(kernel, f"{words} (recorded earlier)"))
    return tuple(sorted(rows.values(), key=lambda row: version_key(row.name.partition(":")[2])))


def _words(seen: Presence) -> str:
    match seen.shown:
        case Shown.YES:
            return "crashes"
        case Shown.NO:
            return f"no crash in {seen.runs} run{'s' * (seen.runs != 1)}"
        case Shown.OTHER:
            return f"another crash: {seen.other}"
        case Shown.UNKNOWN:
            return "not known, it could not be run"


def _sender() -> Person | None:
    """Who sends: as git knows it."""
    address = _git("user.email")
    return Person(_git("user.name"), address) if "@" in address else None


def _git(key: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(
        [git, "config", "--get", key], capture_output=True, text=True, timeout=_CONFIG_SECONDS, check=False
    )
    return done.stdout.strip()
