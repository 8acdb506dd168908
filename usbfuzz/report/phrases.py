"""What a type of crash means, for people: what a driver is made to do."""

from __future__ import annotations

from usbfuzz.triage import CrashType

__all__ = ["phrase_of"]

_READS = "read memory that is not its own"
_WRITES = "write to memory that is not its own"
_READS_FREED = "read memory after it was freed"
_WRITES_FREED = "write to memory after it was freed"
_FREES = "free memory that it must not"
_RACES = "use the same memory from two places at once"
_UNSET = "use memory that nobody has written"

_PHRASES = {
    CrashType.ATOMIC_SLEEP: "sleep where it must not",
    CrashType.DENIAL: "stop the machine",
    CrashType.HANG: "hang",
    CrashType.LEAK: "lose memory",
    CrashType.LOCKDEP: "take locks in an order that can deadlock",
    CrashType.MEMORY_SAFETY_BUG: "access memory that is not its own",
    CrashType.MEMORY_SAFETY_UBSAN: "access an array outside of its bounds",
    CrashType.NULL_DEREFERENCE: "dereference a NULL pointer",
    CrashType.REBOOT: "reboot the machine",
    CrashType.REFCOUNT: "count references wrongly",
    CrashType.UBSAN: "compute what C does not define",
    CrashType.WARNING: "run into a WARNING",
    CrashType.KASAN_INVALID_FREE: _FREES,
    CrashType.KASAN_NULL_READ: "dereference a NULL pointer",
    CrashType.KASAN_NULL_WRITE: "dereference a NULL pointer",
    CrashType.KASAN_READ: _READS,
    CrashType.KASAN_WRITE: _WRITES,
    CrashType.KASAN_FREED_READ: _READS_FREED,
    CrashType.KASAN_FREED_WRITE: _WRITES_FREED,
    CrashType.KCSAN_ASSERT: _RACES,
    CrashType.KCSAN_RACE: _RACES,
    CrashType.KFENCE_CORRUPTION: _WRITES,
    CrashType.KFENCE_INVALID_FREE: _FREES,
    CrashType.KFENCE_READ: _READS,
    CrashType.KFENCE_WRITE: _WRITES,
    CrashType.KFENCE_FREED_READ: _READS_FREED,
    CrashType.KFENCE_FREED_WRITE: _WRITES_FREED,
    CrashType.KMSAN_FREED_READ: _READS_FREED,
    CrashType.KMSAN_LEAK: "send memory of the kernel to the device",
    CrashType.KMSAN_UNINIT: _UNSET,
    CrashType.BOGUS_URB: "submit a URB that does not fit the endpoint",
    CrashType.SLAB_CORRUPTION: _WRITES,
}


def phrase_of(kind: str) -> str:
    """The words for a type of crash, behind "makes the driver": ``dereference a NULL pointer``."""
    return {str(known): words for known, words in _PHRASES.items()}.get(kind, "crash")
