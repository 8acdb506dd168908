"""Recognises the format of a file by its content."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from usbfuzz.errors import InputError
from usbfuzz.importers.capture.devices import import_capture, import_usbmon, looks_pcap, looks_usbmon, with_conversation
from usbfuzz.importers.facedancer.script import import_facedancer, looks_facedancer
from usbfuzz.importers.fwupd.emulation import import_fwupd
from usbfuzz.importers.fwupd.records import looks_fwupd
from usbfuzz.importers.hid.bare import (
    import_quoted_report_descriptors,
    import_report_descriptor,
    looks_quoted_report_descriptors,
    looks_report_descriptor,
)
from usbfuzz.importers.hid.recorder import import_recorder, looks_recorder
from usbfuzz.importers.hid.usbhid_dump import import_usbhid_dump, looks_usbhid_dump
from usbfuzz.importers.lsusb.dump import import_lsusb, looks_like_lsusb
from usbfuzz.importers.sysfs.archive import import_archive, looks_archive
from usbfuzz.importers.sysfs.directory import import_sysfs
from usbfuzz.importers.syzkaller.program import import_syz, looks_syz
from usbfuzz.importers.umockdev.ioctl import looks_ioctl, with_ioctls
from usbfuzz.importers.umockdev.recording import import_umockdev, looks_umockdev
from usbfuzz.reading import decoded, foreign, log_of, unmarked, unpack, unwrapped

from .c_arrays import import_c_arrays, looks_c_arrays
from .listing import import_listing, looks_listing
from .model import Format, Imported
from .raw import import_raw, looks_raw
from .tree_viewer import import_tree_viewer, looks_tree_viewer

__all__ = ["FORMATS", "MAX_BYTES", "add_capture", "holds_answers_only", "import_bytes", "import_file"]

MAX_BYTES = 64 << 20  #: larger files are refused
_MAX_ARCHIVE_BYTES = 512 << 20  #: unpacked; tar fills each attribute of sysfs up to a page

_MOST_WRAPPED = 8 << 20  #: bytes; larger ones are no mails and no pages of bug trackers

#: the first that recognises the content and finds a device in it reads it, so the stricter ones stand first
FORMATS: tuple[Format, ...] = (
    Format("raw descriptors", looks_raw, import_raw),
    Format("pcap and pcapng captures", looks_pcap, import_capture),
    Format("archives of /sys/devices", looks_archive, import_archive),
    Format("text of usbmon", looks_usbmon, import_usbmon),
    Format("emulations of fwupd", looks_fwupd, import_fwupd),
    Format("umockdev recordings", looks_umockdev, import_umockdev),
    Format("syzkaller programs", looks_syz, import_syz, unwraps=True),
    Format("Facedancer scripts", looks_facedancer, import_facedancer),
    Format("HID report descriptors", looks_report_descriptor, import_report_descriptor),
    Format("recordings of hid-recorder", looks_recorder, import_recorder),
    Format("reports of USB Device Tree Viewer", looks_tree_viewer, import_tree_viewer),
    Format("text of usbhid-dump", looks_usbhid_dump, import_usbhid_dump),
    Format("lists of usb-devices", looks_listing, import_listing),
    Format("lsusb -v text", looks_like_lsusb, import_lsusb, unwraps=True),
    Format("descriptors in a source in C", looks_c_arrays, import_c_arrays),
    Format("HID report descriptors in a text", looks_quoted_report_descriptors, import_quoted_report_descriptors),
)


def import_file(path: Path) -> tuple[Imported, ...]:
    """The devices of a file, or of a sysfs directory.

    Raises InputError when it is unreadable or of no known kind, or when it holds no device.
    """
    try:
        is_directory = path.is_dir()
    except OSError as error:  # a name that is too long, a way there that is closed
        raise _unreadable(path, error) from error
    return import_sysfs(path) if is_directory else import_bytes(_read(path), str(path))


def import_bytes(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a file's content; ``name`` is what messages call it. Raises InputError."""
    content = _plain(content, name)
    refusals = []
    for look, opened in _looks(content, name):
        for format_ in FORMATS:
            if not (opened and format_.unwraps) and format_.looks_like(look):
                try:
                    return format_.read(look, name)
                except InputError as error:
                    refusals.append(error)  # a mail may hold a capture that began late, and below it the dump
    if refusals:
        raise refusals[0]
    if looks_ioctl(content):
        with_ioctls((), content, name)  # which says what to give with it
    if what := foreign(content):
        raise InputError(f"{name}: is {what}")
    known = ", ".join(format_.name for format_ in FORMATS)
    raise InputError(f"{name}: is none of the kinds usbfuzz can import; give one of: {known}")


def holds_answers_only(path: Path) -> bool:
    """Whether a file holds what a device answered, and not the device; such files are joined by :func:`add_capture`."""
    try:
        return looks_ioctl(_plain(_read(path), str(path)))
    except InputError:
        return False  # whoever reads it tells what is wrong with it


def add_capture(devices: Sequence[Imported], path: Path) -> list[Imported]:
    """The devices with what a capture or a recording of ioctls in ``path`` says they answered.

    Each is the one at the bus address it was imported from, or the only one of the capture; a recording of ioctls is of
    one device. Raises InputError when there is none, and when the file is neither.
    """
    content = _plain(_read(path), str(path))
    if looks_ioctl(content):
        return with_ioctls(devices, content, str(path))
    for look, _ in _looks(content, str(path)):
        if looks_pcap(look) or looks_usbmon(look):
            return [with_conversation(imported, look, str(path)) for imported in devices]
    raise InputError(f"{path}: is no capture; give pcap, pcapng, text of usbmon, or a recording of ioctls")


def _plain(content: bytes, name: str) -> bytes:
    """A file's content uncompressed, in UTF-8 if it is UTF-16. Raises InputError when it is empty or too much."""
    if not content.strip():
        raise InputError(f"{name}: is empty; give a file with a device in it")
    content = content if len(content) > MAX_BYTES else unpack(content, name, _MAX_ARCHIVE_BYTES)
    if len(content) > MAX_BYTES and not looks_archive(content):
        raise InputError(f"{name}: is larger than {MAX_BYTES >> 20} MiB; cut out the part with the device")
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return log_of(content, name, MAX_BYTES) if is_wide else content.removeprefix(codecs.BOM_UTF8)


def _looks(content: bytes, name: str) -> Iterator[tuple[bytes, bool]]:
    """The content as it is, and as the text that somebody put into a mail, a page or a listing, most careful first.

    The second value says whether a mail, a page or a listing was taken off.
    """
    yield content, False
    text = _in_utf8(content, name)
    if text != content:
        yield text, False
    if b"\0" in text or len(text) > _MOST_WRAPPED:
        return
    plain = unwrapped(decoded(text)).replace("\xa0", " ")
    for look in (plain, unmarked(plain)):
        if (again := look.encode("utf-8", "replace")) != text:
            yield again, True


def _in_utf8(content: bytes, name: str) -> bytes:
    """A text of two or four bytes a character that does not say so, in UTF-8; anything else as it is."""
    try:
        return log_of(content, name, MAX_BYTES)
    except InputError:
        return content


def _read(path: Path) -> bytes:
    """The bytes of a regular file, bounded."""
    try:
        # Without O_NONBLOCK the open would wait for somebody to write to a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{path}: is not a regular file; give a file, or - for standard input")
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read: {error.strerror}; give a readable file")
