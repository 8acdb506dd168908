"""``usbfuzz crashes mail``: the mail about a crash, ready to be looked at and sent."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from attrs import frozen

from usbfuzz.case.files import write_file
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY
from usbfuzz.crashes.record import find_crash
from usbfuzz.jobs.mail.run import MailOptions, prepare_mail
from usbfuzz.report.mail import render_mail

from .options import gathered, kernels_option, progress
from .targets import check_free, make_directory

__all__ = ["mail_command"]


@frozen
class _Target:
    """Where the mail goes."""

    output: Path | None
    force: bool

    def check(self) -> None:
        """Raises InputError when it must not be written there."""
        if self.output is not None:
            check_free(self.output, force=self.force)

    def write(self, raw: bytes) -> None:
        """Write the mail; raises InputError, StorageError."""
        if self.output is None:
            sys.stdout.buffer.write(raw)
            return
        make_directory(self.output.absolute().parent)
        write_file(self.output, raw)
        progress(f"{self.output}: read it, then: git send-email {self.output}, or mutt -H {self.output}")


@click.command("mail")
@click.argument("crash")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DIRECTORY)
@kernels_option("Run the case on it; give it once for each. By default on all in the cache.")
@click.option("--run/--no-run", default=True, help="Without running, the mail has what was seen before, and says so.")
@click.option(
    "--source",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="TREE",
    help="A kernel tree whose MAINTAINERS says to whom; by default the source of the crash's own kernel, fetched.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where it goes.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@gathered("options", MailOptions)
@gathered("target", _Target)
def mail_command(crash: str, directory: Path, options: MailOptions, target: _Target) -> None:
    """Write the mail about CRASH in DIRECTORY: to whom, what happens, on which kernels, how to see it again.

    CRASH is a slug, the beginning of one, or a crash directory. Nothing is sent: read it, then give it to git
    send-email or mutt. To whom comes from MAINTAINERS of the kernel's source, which is fetched (130 MB); source lines
    are in it when "usbfuzz kernel debug" was run before.
    """
    found = find_crash(crash, directory)
    target.check()
    mail = asyncio.run(prepare_mail(found, options, progress))
    target.write(render_mail(mail, datetime.now(UTC)))
