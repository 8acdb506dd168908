"""Reports of the sanitizers: KASAN, KMSAN, KCSAN, KFENCE and UBSAN."""

from __future__ import annotations

from collections.abc import Mapping

from usbfuzz.triage.shape import Shape, at_trace, later, path
from usbfuzz.triage.stack import CALL_TRACE, FUNCTION, STACK, frame_names
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES", "bad_access_type"]

_PLACE = FUNCTION.replace("(", "(?P<place>", 1)
_BAD_ACCESS = ("bad-access in {frame}",)
_BAD_FREE = ("invalid-free in {frame}",)
_INVALID_FREE = r"BUG: KASAN: (?:double-free or invalid-free|double-free|invalid-free) in "
#: Where KMSAN says that the value came from: the second stack of its report.
_CREATED = r"Local variable .* created at:|Uninit was created at:"

_KASAN_KINDS: Mapping[str, tuple[CrashType, CrashType]] = {  # by bug: of a read, of a write
    "null-ptr-deref": (CrashType.KASAN_NULL_READ, CrashType.KASAN_NULL_WRITE),
    "use-after-free": (CrashType.KASAN_FREED_READ, CrashType.KASAN_FREED_WRITE),
    "slab-use-after-free": (CrashType.KASAN_FREED_READ, CrashType.KASAN_FREED_WRITE),
}
_OUT_OF_PLACE = frozenset(f"{where}-out-of-bounds" for where in ("global", "slab", "stack", "vmalloc")) | {
    "out-of-bounds",
    "invalid-access",
    "user-memory-access",
    "wild-memory-access",
    "unknown-crash",
}
#: Old reports ("... at addr") cut before the access: at the least they read.
_READS_AT_LEAST = ("slab-out-of-bounds", "stack-out-of-bounds", "wild-memory-access")


def bad_access_type(words: Mapping[str, str]) -> CrashType:
    """The type of a bad access or a bad free, by KASAN's words for it (``bug``) and "Read" or "Write" (``access``)."""
    bug, access = words["bug"], words.get("access", "")
    if "free" in bug and "use-after" not in bug:
        return CrashType.KASAN_INVALID_FREE
    if not access:
        return _kasan_without_access(bug)
    read, write = _KASAN_KINDS.get(bug, (CrashType.KASAN_READ, CrashType.KASAN_WRITE))
    if bug not in _KASAN_KINDS and bug not in _OUT_OF_PLACE:
        return CrashType.KASAN_UNKNOWN
    return write if access == "Write" else read


def _kasan_without_access(line: str) -> CrashType:
    if line.startswith("use-after-free"):
        return CrashType.KASAN_FREED_READ
    return CrashType.KASAN_READ if line.startswith(_READS_AT_LEAST) else CrashType.KASAN_UNKNOWN


def _kmsan(words: Mapping[str, str]) -> CrashType:
    bug = words["bug"]
    if "after-free" in bug:
        return CrashType.KMSAN_FREED_READ
    if "infoleak" in bug:
        return CrashType.KMSAN_LEAK
    return CrashType.KMSAN_UNINIT if bug == "uninit-value" else CrashType.KMSAN_UNKNOWN


def _kcsan(words: Mapping[str, str]) -> CrashType:
    if words["what"].startswith("data-race"):
        return CrashType.KCSAN_RACE
    return CrashType.KCSAN_ASSERT if words["what"].startswith("assert: race in") else CrashType.KCSAN_UNKNOWN


def _kfence(words: Mapping[str, str]) -> CrashType:
    if words["bug"] == "use-after-free":
        return CrashType.KFENCE_FREED_WRITE if words["access"] == "write" else CrashType.KFENCE_FREED_READ
    return CrashType.KFENCE_WRITE if words["access"] == "write" else CrashType.KFENCE_READ


_KASAN = (
    Shape(
        "BUG:", "BUG: KASAN:", "KASAN: {bug} {access} in {frame}", bad_access_type,
        detail=rf"BUG: KASAN: (?P<bug>[a-z\-]+) in {_PLACE}"
        + later(r"(?P<access>Read|Write) (?:of size|at addr) [0-9a-f]+"),
        # With hardware tags the report's stack begins in the exception handler.
        trail=path(rf"BUG: KASAN: [a-z\-]+ in {FUNCTION}", CALL_TRACE, STACK,
                   skip="kernel_fault|tag_check|mem_abort|^el1h?_"),
        alt=_BAD_ACCESS,
    ),
    Shape(
        "BUG:", "BUG: KASAN:", "KASAN: invalid-free in {frame}", CrashType.KASAN_INVALID_FREE,
        detail=_INVALID_FREE + _PLACE,
        trail=path(_INVALID_FREE + FUNCTION, CALL_TRACE, STACK, skip="slab_|kfree|vunmap|vfree"),
        alt=_BAD_FREE,
    ),
    Shape(
        "BUG:", "BUG: KASAN:", "KASAN: {bug} {access}", bad_access_type,
        detail=r"BUG: KASAN: (?P<bug>[a-z\-]+) on address" + later(r"(?P<access>Read|Write) of size \d+"),
    ),
    Shape(  # cut behind its first line
        "BUG:", rf"BUG: KASAN: (?P<bug>[a-z\-]+) in {_PLACE}(?!.* at addr)", "KASAN: {bug} in {place}", bad_access_type,
        broken=True,
    ),
    Shape("BUG:", "BUG: KASAN: (?P<bug>.*)", "KASAN: {bug}", bad_access_type, broken=True),
)  # fmt: skip


def _cut(_before: str, report: str) -> bool:
    return not frame_names(report)


_KMSAN = (
    Shape(
        "BUG:", r"BUG: KMSAN: (?P<bug>[a-z\-]+) in", "KMSAN: {bug} in {frame}", _kmsan,
        path(rf"BUG: KMSAN: \S+ in {FUNCTION}"), when=_cut,
    ),
    Shape(
        "BUG:", "BUG: KMSAN:", "KMSAN: {bug} in {frame}", _kmsan,
        detail=rf"BUG: KMSAN: (?P<bug>kernel-usb-infoleak) in {_PLACE}",
        trail=path(STACK, _CREATED, STACK,
                   skip="alloc_skb|usb_submit_urb|usb_start_wait_urb|usb_(?:bulk|interrupt|control)_msg"),
        alt=("KMSAN origin in {origin}",), traced=False,
    ),
    Shape(
        "BUG:", "BUG: KMSAN:", "KMSAN: {bug} in {frame}", _kmsan,
        detail=rf"BUG: KMSAN: (?P<bug>[a-z\-]+) in {_PLACE}",
        # Ciphers are often the first to look at a value that was left uninitialised elsewhere, so they are skipped.
        trail=path(STACK, _CREATED, STACK,
                   skip="alloc_skb|netlink_ack|netlink_rcv_skb|_encrypt$|^(?:crypto|cipher|drbg|rng)_"),
        alt=_BAD_ACCESS, traced=False,
    ),
)  # fmt: skip

_KCSAN = (
    Shape("BUG:", r"BUG: KCSAN: (?P<what>[a-z\-: ]* in (?P<place>\w+).*|.*)", "KCSAN: {what}", _kcsan, traced=False),
)

_KFENCE_TRAIL = path(rf"BUG: KFENCE: [a-z\- ]+ in {FUNCTION}", STACK)
#: KFENCE prints its stacks without the usual heading.
_KFENCE = (
    Shape(
        "BUG:", rf"BUG: KFENCE: (?P<bug>use-after-free|out-of-bounds|invalid) (?P<access>read|write) in {_PLACE}",
        "KFENCE: {bug} {access} in {frame}", _kfence, _KFENCE_TRAIL, alt=_BAD_ACCESS, traced=False,
    ),
    Shape(
        "BUG:", rf"BUG: KFENCE: invalid free in {_PLACE}", "KFENCE: invalid free in {frame}",
        CrashType.KFENCE_INVALID_FREE, _KFENCE_TRAIL, alt=_BAD_FREE, traced=False,
    ),
    Shape(
        "BUG:", rf"BUG: KFENCE: memory corruption in {_PLACE}", "KFENCE: memory corruption in {frame}",
        CrashType.KFENCE_CORRUPTION, _KFENCE_TRAIL, traced=False,
    ),
)  # fmt: skip

_UBSAN_TRAIL = at_trace("ubsan|overflow")
_UBSAN = (
    Shape(
        "UBSAN:", "UBSAN: Undefined behaviour in", "UBSAN: undefined-behaviour in {frame}",
        CrashType.UBSAN, _UBSAN_TRAIL,
    ),
    Shape(
        "UBSAN:", "UBSAN: array-index-out-of-bounds in", "UBSAN: array-index-out-of-bounds in {frame}",
        CrashType.MEMORY_SAFETY_UBSAN, _UBSAN_TRAIL, alt=_BAD_ACCESS,
    ),
    Shape("UBSAN:", "UBSAN: (?P<what>.*?) in", "UBSAN: {what} in {frame}", CrashType.UBSAN, _UBSAN_TRAIL),
)  # fmt: skip

SHAPES = (*_KASAN, *_KMSAN, *_KCSAN, *_KFENCE, *_UBSAN)
