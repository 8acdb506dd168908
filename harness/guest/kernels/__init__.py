"""Kernels for guests: find, fetch, verify, unpack and keep them."""

from .model import Kernel
from .modules import ModuleIndex, read_module
from .resolving import installed, remove, resolve
from .storage import default_cache

__all__ = ["Kernel", "ModuleIndex", "default_cache", "installed", "read_module", "remove", "resolve"]
