"""Kernels for guests: find, fetch, verify, unpack and keep them."""

from harness.guest.kernels.model import Kernel
from harness.guest.kernels.modules import ModuleIndex, read_module
from harness.guest.kernels.resolving import installed, remove, resolve
from harness.guest.kernels.storage import default_cache

__all__ = ["Kernel", "ModuleIndex", "default_cache", "installed", "read_module", "remove", "resolve"]
