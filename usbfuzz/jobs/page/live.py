"""A page of a campaign that runs, made anew every few seconds by a process of its own: lanes must not wait for it.

As a program, ``python -m usbfuzz.jobs.page.live OUT FILE SECONDS [PARENT]``, it writes the page once, unless
the process PARENT ends meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from harness.workers.procs import die_with_parent, lower_priority
from usbfuzz.crashes.layout import CAMPAIGN_FILE
from usbfuzz.errors import InputError, UsbfuzzError

from .write import write_page

__all__ = ["SECONDS", "check_page", "keeping_page"]

#: Seconds between two pages, and at most: more when one takes long, so that they take little of the machine.
SECONDS, _MOST = 10, 30
_SHARE = 10
_NICENESS = 15


def check_page(file: Path) -> None:
    """Raise InputError when there can be no such file: a campaign must not run for hours first."""
    if not file.absolute().parent.is_dir():
        raise InputError(f"{file}: its directory does not exist; make it, or give --page another place")


@contextlib.asynccontextmanager
async def keeping_page(out: Path, file: Path | None, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Keep the page of the campaign in ``out`` while the body runs, and write it a last time afterwards."""
    if file is None:
        yield
        return
    keeping = asyncio.create_task(_keep(out, file, say))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        await _write(out, file, 0, say)


async def _keep(out: Path, file: Path, say: Callable[[str], None]) -> None:
    complaints: set[str] = set()

    def once(line: str) -> None:
        if line not in complaints:
            complaints.add(line)
            say(line)

    while True:
        started = time.monotonic()
        if (out / CAMPAIGN_FILE).exists():
            await _write(out, file, SECONDS, once)
        await asyncio.sleep(min(max(SECONDS, _SHARE * (time.monotonic() - started)), _MOST))


async def _write(out: Path, file: Path, refresh: int, say: Callable[[str], None]) -> None:
    command = (sys.executable, "-m", "usbfuzz.jobs.page.live", str(out), str(file), str(refresh), str(os.getpid()))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"exited with status {process.returncode}"]
        say(f"the page is not kept up to date: {lines[-1]}")


def main(argv: list[str]) -> int:
    """Write the page once; an exit status."""
    out, file, refresh, parent = Path(argv[1]), Path(argv[2]), int(argv[3]), argv[4:5]
    if parent:
        die_with_parent(int(parent[0]))
    if refresh:  # the last page keeps nobody waiting but the user
        lower_priority(_NICENESS)
    try:
        write_page(out, file, refresh=refresh, functions=not refresh)
    except UsbfuzzError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
