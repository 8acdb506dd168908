"""Runs the campaigns, one after the other, each as a ``usbfuzz fuzz`` of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import tomlkit

from usbfuzz.atomic import write_atomically
from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.errors import InfraError, InputError, StorageError
from usbfuzz.jobs.page.courses import read_courses
from usbfuzz.jobs.page.words import span

from .plan import Planned, Side, Wanted

__all__ = ["COMMAND", "SETTINGS_FILE", "course_seconds", "run_all"]

SETTINGS_FILE = "engine.toml"  #: what all campaigns of a directory were run with
#: The command of a campaign, without its options.
COMMAND = (sys.executable, "-m", "usbfuzz", "fuzz")
_LEAST = 1.0  #: seconds that are worth going on for
_INTERRUPTED = 130  #: exit status of a campaign that was killed by a second Ctrl-C
_WRONG_INPUT = 2


def run_all(wanted: Wanted, on_progress: Callable[[str], None], command: tuple[str, ...] = COMMAND) -> None:
    """Have every campaign its time. Raises InputError (the directory is of other campaigns), InfraError, StorageError.

    Ctrl-C ends the campaign that runs, cleanly, and then this; the same call goes on from there.
    """
    _settle(wanted)
    for number, campaign in enumerate(wanted.campaigns, 1):
        had = course_seconds(campaign.directory, wanted.kernel)
        left = wanted.seconds - had
        if left < _LEAST:
            continue
        goes_on = f", which has had {span(had)}" if had else ""
        on_progress(
            f"campaign {number} of {len(wanted.campaigns)}, {campaign.name}{goes_on}: {span(left)} ({campaign.log})"
        )
        _run(campaign, wanted, left, command)
        if wanted.seconds - course_seconds(campaign.directory, wanted.kernel) >= _LEAST:
            raise InfraError(f"{campaign.log}: the campaign ended before its time; its last line says why")


def course_seconds(directory: Path, kernel: str) -> float:
    """Wall seconds that a campaign has had. Raises InputError when it is on another kernel, or cannot be read."""
    database = directory / CAMPAIGN_FILE
    if not database.is_file():
        return 0.0
    courses = [raw.course for raw in read_courses(database)]
    for course in courses:
        if course.kernel != kernel:
            raise InputError(f"{directory}: holds a campaign on {course.kernel}, not {kernel}; give another --out")
    return max((course.last.wall for course in courses if course.last), default=0.0)


def _settle(wanted: Wanted) -> None:
    """Keep what the campaigns are run with, or see that it is what they were run with before."""
    path = wanted.out / SETTINGS_FILE
    settings = {"kernel": wanted.kernel, "arguments": list(wanted.arguments)}
    try:
        before = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else settings
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}; give another --out") from error
    if before != settings:
        what = ", ".join(key for key in settings if before.get(key) != settings[key]) or "other settings"
        raise InputError(f"{path}: the campaigns there were run with another {what}; give another --out")
    try:
        wanted.out.mkdir(parents=True, exist_ok=True)
        write_atomically(path, tomlkit.dumps(settings).encode())
    except OSError as error:
        raise StorageError(f"{wanted.out}: cannot be written: {error.strerror}; give another --out") from error


def _run(campaign: Planned, wanted: Wanted, seconds: float, command: tuple[str, ...]) -> None:
    line = [*command, "--kernel", wanted.kernel, "--seed", str(campaign.seed), "--out", str(campaign.directory)]
    line += ["--time", f"{seconds:.1f}s", "--unguided" if campaign.side is Side.UNGUIDED else "--from-nothing"]
    try:
        with campaign.log.open("ab") as log:
            process = subprocess.Popen(
                [*line, *wanted.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is this process's, which passes it on
            )
            status = _waited(process)
    except OSError as error:
        raise StorageError(f"{campaign.log}: cannot be written: {error.strerror}; make room there") from error
    if status == _INTERRUPTED:
        raise KeyboardInterrupt
    if status:
        said = _last_line(campaign.log).removeprefix("usbfuzz: ")
        if status == _WRONG_INPUT:
            raise InputError(said)
        raise InfraError(f"{campaign.log}: a campaign ended with exit status {status}: {said}")


def _waited(process: subprocess.Popen[bytes]) -> int:
    """Its exit status. The first Ctrl-C, or SIGTERM, has it end cleanly, and the second one at once."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
