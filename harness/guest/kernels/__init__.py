"""Kernels for guests: find, fetch, verify, unpack and keep them.

::

    debian:6.1 ──specs──▶ ArchiveSpec ──archives, sources──▶ mirrors ──apt, packages, fetch─▶ files ┐
    tree:/linux ─specs──▶ TreeSpec, … ──local──▶ files on this machine ─────────────────────────────┴─resolving─▶ Kernel

    cache: the kernels that were fetched or prepared before       modules: what a kernel's modules are, and need
    debug, source (extras): what else a distribution has of it    objects: functions and source lines (elf, lines)

To add a distribution, add a record to ``archives.DISTRIBUTIONS``. To add another sort of source, add a spec class to
``specs`` and its search to ``resolving``.
"""

from .model import Kernel
from .modules import ModuleIndex, read_module
from .resolving import arch_of, installed, remove, resolve
from .specs import DEFAULT_KERNEL
from .storage import default_cache

__all__ = [
    "DEFAULT_KERNEL",
    "Kernel",
    "ModuleIndex",
    "arch_of",
    "default_cache",
    "installed",
    "read_module",
    "remove",
    "resolve",
]
