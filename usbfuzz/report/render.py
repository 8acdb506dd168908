"""All texts of a crash directory, from what is saved there."""

from __future__ import annotations

from collections.abc import Callable

from usbfuzz.crashes.layout import GADGET_FILE, LSUSB_FILE, REPORT_FILE, REPRO_FILE, SYZ_FILE, USE_FILE
from usbfuzz.crashes.saved import Rendered, SavedCrash
from usbfuzz.report.lsusb import render_lsusb

from .gadget import render_gadget
from .programs import used
from .repro import render_repro
from .syzkaller import render_syz_case
from .text import render_text
from .use import render_use
from .words import oops_of

__all__ = ["render"]


def render(saved: SavedCrash) -> Rendered:
    """Every text of a crash. Never raises.

    What cannot be rendered is left out: a bug in a renderer must not cost the crash.
    """
    files: dict[str, str] = {}
    failures: dict[str, str] = {}
    for name, make in _TEXTS.items():
        if name == USE_FILE and not used(saved.case):
            continue
        try:
            files[name] = make(saved)
        except Exception as error:  # noqa: BLE001 - a hostile case may make a renderer raise anything
            failures[name] = f"{type(error).__name__}: {error}"
    try:
        files[REPORT_FILE] = render_text(saved, frozenset(files) | saved.files)
    except Exception as error:  # noqa: BLE001 - the same
        failures[REPORT_FILE] = f"{type(error).__name__}: {error}"
        files[REPORT_FILE] = "\n".join([saved.crash.title, "", *oops_of(None, saved.console), ""])
    if failures:
        files[REPORT_FILE] += "\nThese files could not be written:\n"
        files[REPORT_FILE] += "".join(f"    {name}: {why}\n" for name, why in failures.items())
    return Rendered(files, failures)


def _lsusb(saved: SavedCrash) -> str:
    return "\n\n".join(render_lsusb(device) for device in saved.case.devices)


def _repro(saved: SavedCrash) -> str:
    crash, report = saved.crash, saved.report
    return render_repro(saved.case, title=crash.title, kernel=crash.kernel, report=report.text if report else "")


def _gadget(saved: SavedCrash) -> str:
    return render_gadget(saved.case, title=saved.crash.title, kernel=saved.crash.kernel)


def _syz(saved: SavedCrash) -> str:
    return render_syz_case(saved.case, title=saved.crash.title, kernel=saved.crash.kernel)


def _use(saved: SavedCrash) -> str:
    return render_use(saved.case, title=saved.crash.title, kernel=saved.crash.kernel)


_TEXTS: dict[str, Callable[[SavedCrash], str]] = {
    LSUSB_FILE: _lsusb,
    REPRO_FILE: _repro,
    GADGET_FILE: _gadget,
    SYZ_FILE: _syz,
    USE_FILE: _use,
}
