"""Once the rounds are over: do the crashes of guests with a warped clock happen in real time, too?"""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.lane.config import LaneConfig
from usbfuzz.case import load
from usbfuzz.crashes.layout import CASE_FILE
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import UsbfuzzError
from usbfuzz.jobs.minimize.confirm import RealTime

__all__ = ["confirm_new"]

#: Wall seconds for all crashes, without the boot of a kernel's first real-time guest; and for each.
_SECONDS, _EACH = 90.0, 25.0


async def confirm_new(
    store: CrashStore,
    slugs: list[str],
    config: LaneConfig,
    hurry: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Run each crash in ``slugs`` on a real-time guest and write down what was seen, while there is time.

    An error on the way is passed to ``say`` and ends it: the crashes are saved anyway. Raises StorageError.
    """
    todo = [slug for slug in slugs if not store.crashes[slug].confirmations]
    if not todo or not config.timing.warped or hurry():
        return
    try:
        real = await RealTime.of(config.kernel.name, config, say)
        deadline = time.monotonic() + _SECONDS
        for slug in todo:
            left = deadline - time.monotonic()
            if left <= 0 or hurry():
                break
            crash = store.crashes[slug]
            case = load(store.directory / slug / CASE_FILE)
            seen = await real.confirm(case, crash.names, min(left, _EACH), say)
            if seen.runs:
                store.confirmed(slug, seen.hits, seen.runs)
            say(f"{seen}: {crash.title}")
    except UsbfuzzError as error:
        say(f"not confirmed in real time: {error}")
