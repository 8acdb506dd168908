"""Types of crashes, as words that are stored with a report and used for counting and filtering.

The words are those syzbot publishes for its crashes, so that lists from both can be joined. Two are our own, for
messages that syzbot does not count as crashes.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CrashType"]


class CrashType(StrEnum):
    """What went wrong, as far as the report alone tells."""

    ATOMIC_SLEEP = "ATOMIC_SLEEP"
    BUG = "BUG"
    DENIAL = "DoS"  #: denial of service: the machine stops, without a sign of corrupted memory
    HANG = "HANG"
    LEAK = "LEAK"
    LOCKDEP = "LOCKDEP"
    MEMORY_SAFETY_BUG = "MEMORY_SAFETY_BUG"
    MEMORY_SAFETY_UBSAN = "MEMORY_SAFETY_UBSAN"
    NULL_DEREFERENCE = "NULL-POINTER-DEREFERENCE"
    REBOOT = "REBOOT"
    REFCOUNT = "REFCOUNT_WARNING"
    UBSAN = "UBSAN"
    WARNING = "WARNING"

    KASAN_INVALID_FREE = "KASAN-INVALID-FREE"
    KASAN_NULL_READ = "KASAN-NULL-POINTER-DEREFERENCE-READ"
    KASAN_NULL_WRITE = "KASAN-NULL-POINTER-DEREFERENCE-WRITE"
    KASAN_READ = "KASAN-READ"
    KASAN_WRITE = "KASAN-WRITE"
    KASAN_FREED_READ = "KASAN-USE-AFTER-FREE-READ"
    KASAN_FREED_WRITE = "KASAN-USE-AFTER-FREE-WRITE"
    KASAN_UNKNOWN = "KASAN-UNKNOWN"

    KCSAN_ASSERT = "KCSAN-ASSERT"
    KCSAN_RACE = "KCSAN-DATARACE"
    KCSAN_UNKNOWN = "KCSAN-UNKNOWN"

    KFENCE_CORRUPTION = "KFENCE-MEMORY-CORRUPTION"
    KFENCE_INVALID_FREE = "KFENCE-INVALID-FREE"
    KFENCE_READ = "KFENCE-READ"
    KFENCE_WRITE = "KFENCE-WRITE"
    KFENCE_FREED_READ = "KFENCE-USE-AFTER-FREE-READ"
    KFENCE_FREED_WRITE = "KFENCE-USE-AFTER-FREE-WRITE"
    KFENCE_UNKNOWN = "KFENCE-UNKNOWN"

    KMSAN_FREED_READ = "KMSAN-USE-AFTER-FREE-READ"
    KMSAN_LEAK = "KMSAN-INFO-LEAK"
    KMSAN_UNINIT = "KMSAN-UNINIT-VALUE"
    KMSAN_UNKNOWN = "KMSAN-UNKNOWN"

    FUZZER_FAILURE = "SYZ_FAILURE"  #: the fuzzer inside the guest failed, not the kernel

    BOGUS_URB = "BOGUS_URB"  #: not syzbot's: a driver submitted an URB whose pipe does not fit the endpoint
    SLAB_CORRUPTION = "SLAB_CORRUPTION"  #: not syzbot's: SLUB's own checks found an object overwritten
