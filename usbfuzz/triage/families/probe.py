"""Reports of usbfuzz's own probe: titles as KASAN's have them, without its name in front.

Their alternative titles are KASAN's of the same bug, so that a report of the probe and one of an instrumented kernel
are one bug. A use after free has two there: the word changed in 6.3.
"""

from __future__ import annotations

import re

from usbfuzz.triage.printed import NMI_END
from usbfuzz.triage.probed import PROBE
from usbfuzz.triage.shape import CrashTypeOf, Shape, later, path
from usbfuzz.triage.stack import FUNCTION, PC_LINE, STACK
from usbfuzz.triage.types import CrashType

from .sanitizers import bad_access_type

__all__ = ["SHAPES"]

_PLACE = FUNCTION.replace("(", "(?P<place>", 1)
_ACCESS = later(r"(?P<access>Read|Write) of size \d+")
_BAD_ACCESS = "bad-access in {frame}"
#: The probe names the driver's function; if that is a mere helper, its callers are below the NMI's own stack.
_LEAK = re.compile(
    rf"{PROBE}kernel-usb-infoleak in (?:(?P<driver>[\w\-]+)|an unknown driver)"
    r" \((?P<how>control 0x\w\w/0x\w\w|bulk|interrupt|isochronous)\)"
)
_LEFT = re.compile(
    rf"{PROBE}(?P<what>(?:memory leak in cache|reference leak of module|thread leak of|device leak of) \S[^\n]{{0,99}})"
)
#: What the USB core allocated while it worked for no driver: which driver was bound, which function made the object.
_LEFT_BY = re.compile(rf"{PROBE}memory leak in (?:(?P<driver>[\w\-]+)|an unknown driver) \((?P<made>\w+)\)")
_TRAIL = path(f"{PROBE}\\S+ in {FUNCTION}", NMI_END, PC_LINE, STACK, skip="slab_|kfree")


def _shape(sign: str, alt: tuple[str, ...], kind: CrashTypeOf = bad_access_type, *, access: str = "") -> Shape:
    """Where the guest was let go on there is no stack: then it is the place that is named, even a helper's."""
    title = "{bug} {access} in {frame}" if access else "{bug} in {frame}"
    return Shape(
        "BUG:", f"{PROBE}{sign} in", title, kind, _TRAIL, detail=f"{PROBE}{sign} in {_PLACE}{access}", alt=alt,
        nameless=title.replace("{frame}", "{place}"), traced=False,
    )  # fmt: skip


def _leaking_driver(_before: str, report: str) -> str | None:
    found = _LEAK.match(report) or _LEFT_BY.match(report)
    return found["driver"] if found else None


SHAPES = (
    # Said by who plays the device and saw what was sent to it: there is a driver, and no stack.
    Shape(
        "BUG:",
        _LEAK,
        "kernel-usb-infoleak in {frame} ({how})",
        CrashType.KMSAN_LEAK,
        witness=_leaking_driver,
        names_driver=True,
        nameless="kernel-usb-infoleak in an unknown driver ({how})",
        traced=False,
    ),
    # Said by who counted what each plug cycle leaves behind; what a driver's call chain explains has kmemleak's form.
    Shape("BUG:", _LEFT, "{what}", CrashType.LEAK, traced=False),
    Shape("BUG:", f"{PROBE}memory leak in {_PLACE}", "memory leak in {place}", CrashType.LEAK, traced=False),
    Shape(
        "BUG:",
        _LEFT_BY,
        "memory leak in {frame} ({made})",
        CrashType.LEAK,
        witness=_leaking_driver,
        names_driver=True,
        nameless="memory leak in an unknown driver ({made})",
        traced=False,
    ),
    _shape(
        "(?:page-)?(?P<bug>(?:slab-)?use-after-free)",
        ("KASAN: slab-use-after-free {access} in {frame}", "KASAN: use-after-free {access} in {frame}", _BAD_ACCESS),
        access=_ACCESS,
    ),
    _shape("(?P<bug>double-free|invalid-free)", ("KASAN: invalid-free in {frame}", "invalid-free in {frame}")),
    # What KASAN does not see: the host controller, and no driver, would read or write beyond the object.
    _shape("(?P<bug>urb-out-of-bounds)", (), CrashType.MEMORY_SAFETY_BUG),
    _shape(r"(?P<bug>[a-z\-]+)", ("KASAN: {bug} {access} in {frame}", _BAD_ACCESS), access=_ACCESS),
    Shape(  # cut behind its first line
        "BUG:", rf"{PROBE}(?P<bug>[a-z\-]+) in {_PLACE}", "{bug} in {place}", bad_access_type, traced=False, broken=True
    ),
)
