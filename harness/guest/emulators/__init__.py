"""Emulators that run guests: this machine's QEMU, one fetched from a distribution, or one that the user built.

::

    system ────────────────────────────────▶ on PATH ─────────────────────────────┐
    debian:SUITE ──fetch, closure──▶ packages, unpacked in the cache ──identify──▶ Emulator
    PATH ──────────────────────────────────▶ a program, or a build tree ──────────┘

    store: the emulators that were fetched or added, and the one in use      choosing: which one runs a guest
    symbols: what a program's plugin interface offers

Nothing is installed: a fetched QEMU gets its firmware, its modules and the libraries that this machine lacks by
options and environment of its own process.
"""

from .choosing import ADVISED, FORMS, Kept, default_emulator, emulator_for, kept, remove, resolve, use
from .identify import check_emulator
from .model import SYSTEM, Emulator, Sight

__all__ = [
    "ADVISED",
    "FORMS",
    "SYSTEM",
    "Emulator",
    "Kept",
    "Sight",
    "check_emulator",
    "default_emulator",
    "emulator_for",
    "kept",
    "remove",
    "resolve",
    "use",
]
