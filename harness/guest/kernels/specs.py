"""The ways to say which kernel, and what each means."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import KernelError

from .archives import DISTRIBUTIONS, Distribution

__all__ = ["FORMS", "ArchiveSpec", "DirectorySpec", "HostSpec", "ImageSpec", "Spec", "TreeSpec", "parse_spec"]

FORMS = """\
debian:VERSION-OR-SUITE (debian:5.10.223, debian:6.1, debian:5.10.0-32, debian:bookworm-backports), ubuntu:..., \
tree:PATH (a built kernel tree), dir:PATH (a bzImage and lib/modules/RELEASE), bzimage:PATH[,modules:PATH], host, \
or just the PATH of a tree, a directory or a bzImage"""

_ARCHIVE_TEXT = re.compile(r"[a-z0-9][a-z0-9.+~:-]*")
_IN_TREE = Path("arch/x86/boot/bzImage")


@frozen
class ArchiveSpec:
    """A stock kernel of a distribution, by suite or version."""

    distribution: Distribution
    wanted: str

    @property
    def is_suite(self) -> bool:
        """Suites have names, versions start with a digit."""
        return not self.wanted[0].isdigit()

    def __str__(self) -> str:
        return f"{self.distribution.name}:{self.wanted}"


@frozen
class HostSpec:
    """The kernel this machine runs."""

    def __str__(self) -> str:
        return "host"


@frozen
class TreeSpec:
    """A kernel tree (or ``O=`` output directory) in which ``make`` has run."""

    path: Path

    def __str__(self) -> str:
        return f"tree:{self.path}"


@frozen
class DirectorySpec:
    """A directory with one bzImage and its modules."""

    path: Path

    def __str__(self) -> str:
        return f"dir:{self.path}"


@frozen
class ImageSpec:
    """A bzImage, and its modules directory unless everything is built in."""

    bzimage: Path
    modules: Path | None

    def __str__(self) -> str:
        return f"bzimage:{self.bzimage}" + (f",modules:{self.modules}" if self.modules else "")


Spec = ArchiveSpec | HostSpec | TreeSpec | DirectorySpec | ImageSpec


def parse_spec(text: str) -> Spec:
    """What ``text`` asks for. Paths become absolute; ``str()`` of the result is the canonical form.

    Raises KernelError, naming the forms there are.
    """
    kind, colon, rest = text.strip().partition(":")
    if text.strip() == "host":
        return HostSpec()
    if colon and kind in DISTRIBUTIONS:
        if not _ARCHIVE_TEXT.fullmatch(rest):
            raise KernelError(f"{text!r}: {kind}: takes a suite or a version, such as {kind}:{_example(kind)}")
        return ArchiveSpec(DISTRIBUTIONS[kind], rest)
    if colon and rest and kind == "tree":
        return TreeSpec(_path(rest))
    if colon and rest and kind == "dir":
        return DirectorySpec(_path(rest))
    if colon and rest and kind == "bzimage":
        image, comma, modules = rest.rpartition(",modules:")
        return ImageSpec(_path(image), _path(modules)) if comma and image and modules else ImageSpec(_path(rest), None)
    return _from_path(text.strip())


def _from_path(text: str) -> Spec:
    path = _path(text) if text else Path("/nonexistent")
    if (path / _IN_TREE).exists():
        return TreeSpec(path)
    if path.is_dir():
        return DirectorySpec(path)
    if path.is_file():
        return ImageSpec(path, None)
    if "/" in text:
        raise KernelError(f"{text}: no such file or directory; a kernel is one of {FORMS}")
    raise KernelError(f"{text!r} is not a kernel; give one of {FORMS}")


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _example(kind: str) -> str:
    return DISTRIBUTIONS[kind].codenames[1]
