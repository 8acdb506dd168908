"""The devices of several files that are named together: recorded answers find their device, root hubs are left out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.standard import DeviceDescriptor
from usbfuzz.descriptors.text import ids_of
from usbfuzz.errors import InputError

from .detect import MAX_BYTES, add_capture, holds_answers_only, import_bytes, import_file
from .model import Imported

__all__ = ["device_ids", "import_several"]

_LINUX_FOUNDATION = 0x1D6B

_Devices = list[tuple[str, Imported]]


def import_several(
    names: Sequence[str], errors: list[InputError], *, ids: str | None = None, capture: Path | None = None
) -> _Devices:
    """The devices of all files that can be read, each with the file it comes from; ``-`` is standard input.

    ``ids``: only those (:func:`device_ids`); else all but the host's own root hubs, unless there is nothing else. What
    is wrong with the other files, and with devices, is put into ``errors``. Raises InputError when a recording of
    answers, ``capture`` included, fits none of them.
    """
    answers = [name for name in names if len(names) > 1 and holds_answers_only(Path(name))]
    devices = _wanted(_imported([name for name in names if name not in answers], errors), ids)
    for path in [*map(Path, answers), *([capture] if capture else [])]:
        joined = add_capture([imported for _, imported in devices], path)
        devices = [(source, imported) for (source, _), imported in zip(devices, joined, strict=True)]
    return devices


def device_ids(imported: Imported) -> str:
    """``VID:PID`` of a device, as lsusb prints them."""
    return ids_of(imported.device.device)


def _imported(names: Iterable[str], errors: list[InputError]) -> _Devices:
    found: _Devices = []
    for name in names:
        try:
            if name == "-":
                content = sys.stdin.buffer.read(MAX_BYTES + 1)
                devices = import_bytes(content, "standard input")
            else:
                devices = import_file(Path(name))
        except InputError as error:
            errors.append(error)
        else:
            found += [("standard input" if name == "-" else name, imported) for imported in devices]
            errors += [InputError(message) for imported in devices for message in imported.unread]
    return found


def _wanted(devices: _Devices, ids: str | None) -> _Devices:
    if ids is not None:
        return [pair for pair in devices if device_ids(pair[1]) == ids]
    return [pair for pair in devices if not _is_root_hub(pair[1])] or devices


def _is_root_hub(imported: Imported) -> bool:
    head = DeviceDescriptor.view(imported.device.device)
    return head is not None and (head.idVendor, head.bDeviceClass) == (_LINUX_FOUNDATION, ClassCode.HUB)
