"""A signed archive with QEMUs that are shell scripts, and the packages they depend on."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from harness.guest.emulators import Emulator, resolve
from tests.kernels.signed_archive import FakeArchive

__all__ = ["QemuArchive", "qemu_script"]

LIBRARIES = "usr/lib/x86_64-linux-gnu"


def qemu_script(number: str, lacks: str = "") -> str:
    """The body of a script that answers as a QEMU of this version does, without the device ``lacks``."""
    missing = f'case "$*" in *"-device {lacks},"*) exit 1; esac\n' if lacks else ""
    return f'{missing}case "$*" in *--version*) echo "QEMU emulator version {number} (Debian)"; esac'


@frozen
class QemuArchive:
    """The archive, and a cache to fetch into."""

    archive: FakeArchive
    cache: Path

    def qemu(self, suite: str, version: str, *, depends: str = "", lacks: str = "") -> None:
        """Put a QEMU into ``suite``: three packages of one source, and its firmware."""
        number = version.partition("-")[0].rpartition(":")[2]
        program = f"#!/bin/sh\n{qemu_script(number, lacks)}\n"
        needs = ", ".join(filter(None, (f"qemu-system-common (= {version}), qemu-system-data, seabios", depends)))
        self.package(suite, "qemu-system-x86", version, {"usr/bin/qemu-system-x86_64": program}, needs)
        self.package(
            suite, "qemu-system-common", version, {f"{LIBRARIES}/qemu/hw-usb-redirect.so": number, "usr/bin/tool": ""}
        )
        self.package(suite, "qemu-system-data", version, {"usr/share/qemu/kvmvapic.bin": number})
        self.package(suite, "seabios", f"1.16-{number}", {"usr/share/seabios/bios-256k.bin": "bios"}, source="seabios")

    def package(
        self, suite: str, name: str, version: str, files: dict[str, str], depends: str = "", source: str = "qemu"
    ) -> None:
        content = {path: text.encode() for path, text in files.items()}
        self.archive.package(suite, name, version, content, depends, source)

    def library(self, suite: str, name: str, version: str, depends: str = "") -> None:
        """Put a library into ``suite``."""
        self.package(suite, name, version, {f"{LIBRARIES}/{name}.so": version}, depends, source=name)

    def installed(self, *packages: str) -> None:
        """What is installed on the machine: "NAME VERSION" or "NAME VERSION, PROVIDES"."""
        stanzas = []
        for package in packages:
            name, _, rest = package.partition(" ")
            version, _, provides = rest.partition(", ")
            also = f"Provides: {provides}\n" if provides else ""
            stanzas.append(f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n{also}\n")
        self.archive.apt_files.dpkg_status.write_text("".join(stanzas))

    def get(self, spec: str, *, refresh: bool = False) -> Emulator:
        return resolve(spec, self.cache, refresh=refresh, apt_files=self.archive.apt_files)
