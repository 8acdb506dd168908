"""Kernel specs: the ways to name a kernel, parsed."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import evolve, frozen

from usbfuzz.arch import ARCHES, DEFAULT, Arch
from usbfuzz.errors import KernelError

from .archives import DISTRIBUTIONS, Distribution
from .features import FEATURES

__all__ = [
    "DEFAULT_KERNEL",
    "FORMS",
    "ArchiveSpec",
    "BuiltSpec",
    "DirectorySpec",
    "HostSpec",
    "ImageSpec",
    "Spec",
    "TreeSpec",
    "parse_spec",
]

#: What the command line boots when neither the user nor a case names a kernel. It is known to hold bugs that were fixed
#: later, so a newcomer sees crashes within minutes. (The pytest plugin has a default of its own: tests of a driver want
#: a kernel without known bugs.)
DEFAULT_KERNEL = "debian:5.10.223"

#: The kinds of spec that mean an image: its name in lower case.
_IMAGE_KINDS = tuple(arch.image.name.lower() for arch in ARCHES)

#: The ways to name a kernel, for messages and help.
FORMS = f"""\
debian:VERSION-OR-SUITE (debian:5.10.223, debian:6.1, debian:5.10.0-32, debian:bookworm-backports), \
{"".join(f"{name}:..., " for name in DISTRIBUTIONS if name != "debian")}\
debian:VERSION+kasan+... (built here by "usbfuzz kernel build"), \
tree:PATH (a built kernel tree), dir:PATH (a kernel image and lib/modules/RELEASE), \
{"".join(f"{kind}:PATH[,modules:PATH], " for kind in _IMAGE_KINDS)}host, \
or just the PATH of a tree, a directory or a kernel image"""

_ARCHIVE_TEXT = re.compile(r"[a-z0-9][a-z0-9.+~:-]*")
_BY_DEBIAN_NAME = {arch.debian: arch for arch in ARCHES}


@frozen
class ArchiveSpec:
    """A stock kernel of a distribution, by suite or version."""

    distribution: Distribution
    wanted: str
    arch: Arch = DEFAULT  #: written behind a slash unless it is the default: ``debian:bookworm/ARCH``

    @property
    def is_suite(self) -> bool:
        """Whether a suite is wanted, not a version: a version starts with a digit."""
        return not self.wanted[0].isdigit()

    def __str__(self) -> str:
        return f"{self.distribution.name}:{self.wanted}" + ("" if self.arch is DEFAULT else f"/{self.arch.debian}")


@frozen
class BuiltSpec:
    """A kernel that was built here from a distribution's source, with more checks: ``debian:6.12+kasan+kcov``."""

    base: ArchiveSpec
    features: tuple[str, ...]  #: names in :data:`.features.FEATURES`, in its order, at least one

    @property
    def arch(self) -> Arch:
        """The architecture it runs on."""
        return self.base.arch

    def __str__(self) -> str:
        return str(evolve(self.base, wanted="+".join((self.base.wanted, *self.features))))


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
    """A directory with one kernel image and its modules."""

    path: Path

    def __str__(self) -> str:
        return f"dir:{self.path}"


@frozen
class ImageSpec:
    """A kernel image, and its modules directory unless everything is built in."""

    image: Path
    modules: Path | None
    kind: str = DEFAULT.image.name.lower()  #: the image's name in lower case; what the file is, it says itself

    def __str__(self) -> str:
        return f"{self.kind}:{self.image}" + (f",modules:{self.modules}" if self.modules else "")


Spec = ArchiveSpec | BuiltSpec | HostSpec | TreeSpec | DirectorySpec | ImageSpec


def parse_spec(text: str) -> Spec:
    """What ``text`` asks for. Paths become absolute; ``str()`` of the result is the canonical form.

    Raises KernelError, naming the forms there are.
    """
    kind, colon, rest = text.strip().partition(":")
    if text.strip() == "host":
        return HostSpec()
    if colon and kind in DISTRIBUTIONS:
        return _archive_spec(DISTRIBUTIONS[kind], rest, text)
    if colon and rest and kind == "tree":
        return TreeSpec(_path(rest))
    if colon and rest and kind == "dir":
        return DirectorySpec(_path(rest))
    if colon and rest and kind in _IMAGE_KINDS:
        image, comma, modules = rest.rpartition(",modules:")
        if comma and image and modules:
            return ImageSpec(_path(image), _path(modules), kind)
        return ImageSpec(_path(rest), None, kind)
    return _from_path(text.strip())


def _archive_spec(distribution: Distribution, rest: str, text: str) -> ArchiveSpec | BuiltSpec:
    wanted, slash, arch = rest.partition("/")
    if not _ARCHIVE_TEXT.fullmatch(wanted):
        example = f"{distribution.name}:{distribution.codenames[1]}"
        raise KernelError(f"{text!r}: {distribution.name}: takes a suite or a version, such as {example}")
    if slash and arch not in _BY_DEBIAN_NAME:
        known = ", ".join(_BY_DEBIAN_NAME)
        raise KernelError(f"{text!r}: {arch!r} is not an architecture that guests can have; known: {known}")
    wanted, features = _split_features(wanted)
    spec = ArchiveSpec(distribution, wanted, _BY_DEBIAN_NAME[arch] if slash else DEFAULT)
    return BuiltSpec(spec, features) if features else spec


def _split_features(wanted: str) -> tuple[str, tuple[str, ...]]:
    """Take the names of features off the end; Debian's versions have plus signs too (``6.12.43-1~bpo12+1``)."""
    given: set[str] = set()
    rest, plus, last = wanted.rpartition("+")
    while plus and rest and last in FEATURES:
        given.add(last)
        wanted = rest
        rest, plus, last = wanted.rpartition("+")
    return wanted, tuple(name for name in FEATURES if name in given)


def _from_path(text: str) -> Spec:
    path = _path(text) if text else Path("/nonexistent")
    if any((path / arch.image.path).exists() for arch in ARCHES):
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
