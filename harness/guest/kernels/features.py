"""What a kernel that is built here can have besides what the stock kernel has: the words of ``--with``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from attrs import frozen

from usbfuzz.errors import KernelError

__all__ = ["FEATURES", "Feature", "parse_features", "slowdown_of"]


@frozen
class Feature:
    """A way for the kernel to look at itself, and the options of its configuration that make it."""

    what: str  #: for help, in a few words
    options: Mapping[str, str]  #: option without ``CONFIG_`` -> value as in a .config
    slowdown: float = 1.5  #: so many times more has to be computed, generously


#: By name, in the order in which a kernel's name has them.
FEATURES: Mapping[str, Feature] = {
    "kasan": Feature(
        "accesses beyond an object or after its end",
        {
            "KASAN": "y",
            "KASAN_GENERIC": "y",
            # Checks as calls, not inline: two thirds of the code, and of the time to compile it. A thousand modules
            # are loaded, and stay in the guest's memory twice.
            "KASAN_INLINE": "n",
            "KASAN_OUTLINE": "y",
            "KASAN_VMALLOC": "y",
        },
        slowdown=4.0,
    ),
    "kcov": Feature("coverage for programs that ask /sys/kernel/debug/kcov", {"KCOV": "y"}),
    "ubsan": Feature(
        "array indexes, shifts and enums that C does not define",
        {"UBSAN": "y", "UBSAN_BOUNDS": "y", "UBSAN_SHIFT": "y", "UBSAN_TRAP": "n"},
    ),
    "lockdep": Feature(
        "locks taken in an order that can deadlock, and sleeping where one must not",
        {"PROVE_LOCKING": "y", "DEBUG_ATOMIC_SLEEP": "y"},
        slowdown=3.0,
    ),
    "fault-injection": Feature(
        "allocations that fail on request",
        {"FAULT_INJECTION": "y", "FAULT_INJECTION_DEBUG_FS": "y", "FAILSLAB": "y", "FAIL_PAGE_ALLOC": "y"},
    ),
}

_REFUSED = {"kmsan": "it can only be built by clang, and kernels are built by gcc here"}


def slowdown_of(kernel: str) -> float:
    """How many times more a kernel of this name (``debian:6.12.118-1+kasan+kcov``) computes than a stock one."""
    return math.prod(FEATURES[word].slowdown for word in kernel.split("+")[1:] if word in FEATURES)


def parse_features(words: Sequence[str]) -> tuple[str, ...]:
    """The names of features, each once and in the order of :data:`FEATURES`. Raises KernelError for other words."""
    for word in words:
        if word in _REFUSED:
            raise KernelError(f"--with {word}: {_REFUSED[word]}; choose from {', '.join(FEATURES)}")
        if word not in FEATURES:
            raise KernelError(f"--with {word!r}: no such feature; choose from {', '.join(FEATURES)}")
    return tuple(name for name in FEATURES if name in words)
