"""The source tree of a kernel, for its MAINTAINERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.guest.kernels import resolve
from harness.guest.kernels.source import kernel_source
from harness.guest.kernels.specs import ArchiveSpec, BuiltSpec, TreeSpec, parse_spec
from usbfuzz.errors import KernelError

__all__ = ["MAINTAINERS", "read_maintainers", "tree_of"]

MAINTAINERS = "MAINTAINERS"
_MOST = 16 << 20  #: bytes that are read; the file has less than one million
_OTHERWISE = "name a kernel tree with --source"


def tree_of(kernel: str, cache: Path, *, on_progress: Callable[[str], None] = lambda _: None) -> Path:
    """The top of the source that a kernel was built from, fetched for a distribution's on first use.

    Raises KernelError when there is none to be had, and StorageError.
    """
    if not kernel:
        raise KernelError(f"it is not recorded on which kernel the crash was seen; {_OTHERWISE}")
    match parse_spec(kernel):
        case TreeSpec(path):
            return path if (path / MAINTAINERS).is_file() else path / "source"  # a link in an O= directory
        case ArchiveSpec() as spec:
            return kernel_source(resolve(str(spec), cache, on_progress=on_progress), cache, on_progress=on_progress)
        case BuiltSpec(base):
            return kernel_source(resolve(str(base), cache, on_progress=on_progress), cache, on_progress=on_progress)
        case _:
            raise KernelError(f"{kernel}: an image comes without its source; {_OTHERWISE}")


def read_maintainers(tree: Path) -> str:
    """The text of a tree's MAINTAINERS. Raises KernelError."""
    path = tree / MAINTAINERS
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except FileNotFoundError as error:
        why = "it is no kernel tree, or was fetched by a usbfuzz that did not keep the file"
        raise KernelError(f"{path}: there is no such file: {why}; delete {tree} to have it fetched again") from error
    except OSError as error:
        raise KernelError(f"{path}: cannot be read: {error.strerror}; {_OTHERWISE}") from error
