"""What a kernel was configured with, where its .config is at hand."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Kernel

__all__ = ["configured"]

_LARGEST = 4 << 20  #: bytes of a .config that are read


def configured(kernel: Kernel, *options: str) -> bool | None:
    """Whether any of these options (without ``CONFIG_``) is built in; None: there is no .config of this kernel."""
    text = _config_of(kernel)
    if text is None:
        return None
    lines = set(text.split("\n"))
    return any(f"CONFIG_{option}=y" in lines for option in options)


def _config_of(kernel: Kernel) -> str | None:
    beside = kernel.vmlinuz.parent
    places = [beside / "config", beside / f"config-{kernel.release}"]
    if kernel.name.startswith("tree:"):
        places.append(Path(kernel.name.removeprefix("tree:")) / ".config")
    for place in places:
        with contextlib.suppress(OSError), place.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    return None
