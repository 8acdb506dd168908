"""From the stock kernel's configuration to that of the trimmed one with features."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence

from harness.guest.image.manifest import manifest, read_tables
from harness.guest.kernels import Kernel
from harness.guest.kernels.features import FEATURES
from usbfuzz.atomic import write_atomically
from usbfuzz.errors import KernelError

from . import config, makefiles, trimming
from .making import Tree

__all__ = ["configure", "image_modules", "left_out"]

_ASKED = "usbfuzz.asked"  #: holds a digest of what a finished configuration was made from


def image_modules(kernel: Kernel) -> Mapping[str, str]:
    """The modules of a kernel that guests have: name -> path below lib/modules/RELEASE. Raises KernelError."""
    return manifest(read_tables(kernel.modules)).modules


def configure(tree: Tree, stock: Kernel, features: Sequence[str]) -> None:
    """Make the tree's configuration unless it is there. Raises KernelError when a feature is not possible."""
    base, modules = _stock_config(stock), trimming.lsmod(image_modules(stock))
    options = {option: value for name in features for option, value in FEATURES[name].options.items()}
    changes = trimming.changes(options, "".join(f"+{name}" for name in features))
    asked = _digest(base, modules, repr(sorted(changes.items())), _compiler(tree))
    done = tree.objects / _ASKED
    if done.is_file() and done.read_bytes() == asked and tree.config.is_file():
        return
    tree.objects.mkdir(exist_ok=True)
    kept = tree.directory / "lsmod"
    write_atomically(kept, modules.encode())
    write_atomically(tree.config, base.encode())
    tree.make("localmodconfig", f"LSMOD={kept}")
    write_atomically(tree.config, config.changed(tree.config.read_text(encoding="utf-8"), changes).encode())
    tree.make("olddefconfig")
    if missing := config.not_taken(tree.config.read_text(encoding="utf-8"), options):
        names = ", ".join(f"CONFIG_{name}" for name in missing)
        raise KernelError(f"{stock.name}: its configuration with {', '.join(features)} cannot have {names} as asked")
    write_atomically(done, asked)


def left_out(tree: Tree, stock: Kernel) -> list[str]:
    """The modules of the stock kernel's image that no option that is set builds, each with its option; sorted."""
    found = config.values(tree.config.read_text(encoding="utf-8"))
    options = makefiles.module_options(tree.source, image_modules(stock))
    return sorted(
        f"{name} (CONFIG_{' or '.join(wanted)})"
        for name, wanted in options.items()
        if wanted and not any(option in found for option in wanted)
    )


def _stock_config(stock: Kernel) -> str:
    path = stock.vmlinuz.with_name("config")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        again = f"usbfuzz kernel rm {stock.name}; usbfuzz kernel add {stock.name}"
        raise KernelError(f"{path}: {error.strerror}; fetch the kernel again: {again}") from error


def _compiler(tree: Tree) -> str:
    """The first line of ``gcc --version``: another compiler is another configuration."""
    argv = [f"{tree.arch.tool_prefix}gcc", "--version"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest().encode()
