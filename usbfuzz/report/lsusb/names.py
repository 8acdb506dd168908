"""Names of numbers, from the distribution's ``usb.ids``: vendors, classes, HID usages and the like."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from attrs import field, frozen

__all__ = ["Names", "installed_names"]

#: Where distributions keep it.
PLACES = (Path("/usr/share/misc/usb.ids"), Path("/var/lib/usbutils/usb.ids"), Path("/usr/share/hwdata/usb.ids"))
_MAX_BYTES = 16 << 20
_SECTION = re.compile(r"(?:([A-Z]+) )?([0-9a-fA-F]{2,4})  ?(.*)")
_ENTRY = re.compile(r"(\t+)([0-9a-fA-F]+)  ?(.*)")
_VENDORS = "vendor"
_SAY_NOTHING = ("?", "None")

Numbers = tuple[int, ...]
_NOWHERE: Numbers = ()


@frozen
class Names:
    """Names by kind of list and numbers: ``("C", (3, 1))`` is a subclass of class 3; empty where there is none."""

    _table: dict[tuple[str, Numbers], str] = field(factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Names:
        """The content of a usb.ids; lines that are none of its own are skipped."""
        table: dict[tuple[str, Numbers], str] = {}
        kind, path = "", _NOWHERE
        for line in text.splitlines():
            if match := _SECTION.match(line):
                kind, path = match[1] or _VENDORS, (int(match[2], 16),)
                table.setdefault((kind, path), match[3].strip())
            elif kind and (match := _ENTRY.match(line)):
                path = (*path[: len(match[1])], int(match[2], 16))
                table.setdefault((kind, path), match[3].strip())
        return cls(table)

    def get(self, kind: str, *path: int) -> str:
        """A name, or "" ."""
        return self._table.get((kind, path), "")

    def vendor(self, idVendor: int) -> str:
        """Of a manufacturer."""
        return self.get(_VENDORS, idVendor)

    def product(self, idVendor: int, idProduct: int) -> str:
        """Of a product."""
        return self.get(_VENDORS, idVendor, idProduct)

    def code(self, *codes: int) -> str:
        """Of a class, subclass or protocol.

        lsusb asks udev's hardware database, which leaves out class 0, all subclasses 0, and names that say nothing.
        """
        name = self.get("C", *codes)
        return "" if name in _SAY_NOTHING or (codes[-1] == 0 and len(codes) < 3) else name

    def report_tag(self, tag: int) -> str:
        """Of a HID report item, its two size bits clear."""
        return self.get("R", tag)

    def usage(self, *page_and_usage: int) -> str:
        """Of a HID usage page, or a usage on one."""
        return self.get("HUT", *page_and_usage)


@cache
def installed_names() -> Names:
    """Those of this machine; no names at all where there is no list."""
    for path in PLACES:
        try:
            with path.open("rb") as file:
                return Names.parse(file.read(_MAX_BYTES).decode("utf-8", "replace"))
        except OSError:
            continue
    return Names()
