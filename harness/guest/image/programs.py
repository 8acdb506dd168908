"""The programs of an image that are compiled here, once for each version of their source: the agent, and its tools."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import field, frozen

from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.errors import InfraError

from .calls import calls_header
from .files import private_directory, write_atomically
from .input_codes import codes_header
from .nodes import kinds_header

__all__ = ["AGENT", "TOOLS", "TOOL_NAMES", "GuestProgram", "compile_c"]

_FLAGS = ("-static", "-O2", "-pthread", "-Wall", "-Wextra", "-s")
_SECONDS = 120  #: a compiler may take


@frozen
class GuestProgram:
    """A static program whose C sources are ``harness/guest/NAME``."""

    name: str
    headers: Mapping[str, str] = field(factory=dict)  #: C headers that are written for the compilation: name, text

    @property
    def _source(self) -> Path:
        return Path(__file__).parent.parent / self.name

    def digest(self, arch: Arch = DEFAULT) -> str:
        """SHA-256 in hex of the sources, the headers, and the flags and cross compiler they are compiled with."""
        digest = hashlib.sha256((arch.tool_prefix + " ".join(_FLAGS)).encode())
        for path in sorted(self._source.glob("*.[ch]")):
            digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
        for name, text in self.headers.items():
            digest.update(f"\n{name}\n{text}".encode())
        return digest.hexdigest()

    def binary(self, cache: Path, arch: Arch = DEFAULT) -> Path:
        """The program for ``arch``, compiled when the cache lacks it: with ``$CC``, ``cc``, or a cross compiler.

        Raises InfraError when there is no compiler, or it fails (static libc missing), with its first message.
        """
        binary = cache / self.name / self.digest(arch)[:16]
        if binary.exists():
            return binary
        private_directory(binary.parent)
        write_atomically(binary, lambda output: self._compile(output, arch), permissions=0o755)
        return binary

    def _compile(self, output: Path, arch: Arch) -> None:
        with TemporaryDirectory(prefix="usbfuzz-") as headers:
            self.write_headers(Path(headers))
            flags = (*_FLAGS, f"-I{headers}")
            compile_c(f"guest's {self.name}", self._source, output, flags, tool_prefix=arch.tool_prefix)

    def write_headers(self, directory: Path) -> None:
        """Write the headers for a compiler that gets ``-I`` with that directory."""
        for name, text in self.headers.items():
            (directory / name).write_text(text)


def compile_c(what: str, source: Path, output: Path, flags: Sequence[str], *, tool_prefix: str = "") -> None:
    """Compile all C files of a directory into one, with ``$CC``, ``cc``, or the cross compiler of ``tool_prefix``.

    Raises InfraError, which says what is being built, when there is no compiler, or it fails: with its first message.
    """
    compiler = os.environ.get("CC") or (f"{tool_prefix}gcc" if tool_prefix else "cc")
    if shutil.which(compiler) is None:
        raise InfraError(f"no C compiler {compiler!r} to build the {what}; install gcc and libc6-dev, or set CC")
    sources = [str(path) for path in sorted(source.glob("*.c"))]
    command = [compiler, *flags, "-o", str(output), *sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        first = next(
            (line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line),
            done.stderr[:200],
        )
        raise InfraError(f"the {what} does not compile with {compiler}: {first.strip()}")


AGENT = GuestProgram("agent", {"kinds.h": kinds_header(), "codes.h": codes_header(), "calls.h": calls_header()})
TOOLS = GuestProgram("tools")

#: What the tools are called below /bin; each is the one binary, which looks at its name.
TOOL_NAMES = ("camera", "evdev", "hci", "mixer", "pcm", "usbfs")
