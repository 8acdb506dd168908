"""A tiny Debian archive made on the spot: packages, indexes, and a signature by a throw-away key."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.archives import AptFiles


def bzimage(release: str, salt: bytes = b"") -> bytes:
    """The least that is a bzImage: the setup header's magic and the version string it points to."""
    image = bytearray(0x400)
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20E, 0x100)
    return bytes(image[:0x300]) + f"{release} (builder@example) #1 SMP".encode() + b"\0" + salt


def module(**modinfo: str) -> bytes:
    """The least that depmod reads: an ELF64 relocatable object with a ``.modinfo`` section."""
    info = b"".join(f"{key}={value}".encode() + b"\0" for key, value in modinfo.items())
    names = b"\0.modinfo\0.shstrtab\0"
    body = info + names
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 3, 2
    )
    section = "<IIQQQQIIQQ"
    sections = (
        bytes(64)
        + struct.pack(section, 1, 1, 2, 0, 64, len(info), 0, 0, 1, 0)
        + struct.pack(section, 10, 3, 0, 0, 64 + len(info), len(names), 0, 0, 1, 0)
    )
    return header + body + sections


@frozen
class Key:
    """A signing key in a GnuPG home of its own."""

    home: Path

    def gpg(self, *arguments: str) -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", *arguments]
        return subprocess.run(argv, check=True, capture_output=True).stdout

    def export(self, path: Path) -> None:
        path.write_bytes(self.gpg("--export"))


@contextmanager
def signing_key(home: Path) -> Iterator[Key]:
    home.mkdir(mode=0o700)
    key = Key(home)
    key.gpg("--passphrase", "", "--quick-generate-key", "archive@example.org", "ed25519", "sign", "never")
    try:
        yield key
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True, capture_output=True)


@frozen
class FakeArchive:
    """A mirror directory (``debian/``) and the machine that has it among its package sources."""

    root: Path
    key: Key

    @property
    def mirror(self) -> Path:
        return self.root / "debian"

    @property
    def apt_files(self) -> AptFiles:
        return AptFiles(self.root / "apt", self.root / "keyrings", self.root / "status", self.root / "templates")

    def prepare(self) -> None:
        for path in (self.mirror / "pool", self.apt_files.etc_apt, self.apt_files.keyrings):
            path.mkdir(parents=True)
        self.key.export(self.apt_files.keyrings / "debian-archive-test.gpg")
        line = f"deb file:{self.mirror} bookworm main\n"
        (self.apt_files.etc_apt / "sources.list").write_text(line)

    def package(
        self, suite: str, name: str, version: str, files: dict[str, bytes], depends: str = "", source: str = ""
    ) -> Path:
        """Build a package into the pool and list it in ``suite`` (without publishing)."""
        tree = self.root / "trees" / f"{name}_{version}"
        control = _control(name, version, depends, source)
        for path, content in {"DEBIAN/control": control.encode(), **files}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
            if content.startswith(b"#!"):
                (tree / path).chmod(0o755)
        deb = self.mirror / "pool" / f"{name}_{version.replace(':', '%3a')}_amd64.deb"
        argv = ["dpkg-deb", "-Znone", "--root-owner-group", "--build", str(tree), str(deb)]
        subprocess.run(argv, check=True, capture_output=True)
        content = deb.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        stanza = f"{control}Filename: pool/{deb.name}\nSize: {len(content)}\nSHA256: {digest}\n\n"
        index = self._index(suite)
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text((index.read_text() if index.exists() else "") + stanza)
        return deb

    def kernel(self, suite: str, version: str, release: str) -> Path:
        """A kernel in one package, and the metapackage that points to it."""
        modules = f"lib/modules/{release}"
        deb = self.package(
            suite,
            f"linux-image-{release}",
            version,
            {f"boot/vmlinuz-{release}": bzimage(release), **module_files(modules)},
            depends="kmod, linux-base (>= 4.3~), initramfs-tools | linux-initramfs-tool",
        )
        self.package(suite, "linux-image-amd64", version, {}, f"linux-image-{release} (= {version})")
        return deb

    def publish(self, suite: str, key: Key | None = None, valid_until: str = "") -> None:
        """Write Release and sign it."""
        content = self._index(suite).read_bytes()
        release = (
            f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\nArchitectures: amd64\nComponents: main\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 UTC\n{valid_until}SHA256:\n"
            f" {hashlib.sha256(content).hexdigest()} {len(content)} main/binary-amd64/Packages\n"
        )
        directory = self.mirror / "dists" / suite
        (directory / "Release").write_text(release)
        signed = str(directory / "InRelease")
        (key or self.key).gpg("--output", signed, "--clearsign", str(directory / "Release"))

    def _index(self, suite: str) -> Path:
        return self.mirror / "dists" / suite / "main" / "binary-amd64" / "Packages"


def module_files(modules: str) -> dict[str, bytes]:
    return {
        f"{modules}/kernel/drivers/hid/usbhid/usbhid.ko": module(
            name="usbhid", alias="usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*"
        ),
        f"{modules}/kernel/fs/fat/fat.ko": module(name="fat", license="GPL"),
        f"{modules}/modules.order": b"kernel/drivers/hid/usbhid/usbhid.ko\nkernel/fs/fat/fat.ko\n",
        f"{modules}/modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
    }


def _control(name: str, version: str, depends: str, source: str) -> str:
    fields = {
        "Package": name,
        "Source": source,
        "Version": version,
        "Architecture": "amd64",
        "Maintainer": "Nobody <nobody@example.org>",
        "Depends": depends,
        "Description": "for a test",
    }
    return "".join(f"{field}: {value}\n" for field, value in fields.items() if value)
