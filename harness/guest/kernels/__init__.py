"""Kernels for guests: find, fetch, verify, unpack and keep them."""

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
