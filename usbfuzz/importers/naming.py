"""What an imported device is called: for people, and as a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import string_text
from usbfuzz.descriptors.standard import DeviceDescriptor
from usbfuzz.descriptors.text import ids_of

__all__ = ["distinct_slugs", "named", "slug"]

_LONGEST_NAME = 80
_LONGEST_SLUG = 48
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def named(spec: DeviceSpec, title: str = "") -> DeviceSpec:
    """The device named by ``title`` (what usb.ids says), else by its own strings, else by its ids."""
    head = DeviceDescriptor.view(spec.device)
    strings = dict(spec.strings)
    indices = (head.iManufacturer, head.iProduct) if head else ()
    own = " ".join(text for index in indices if (text := string_text(strings.get(index, b""))))
    words = "".join(c if c.isprintable() else " " for c in title or own).split()
    return evolve(spec, name=" ".join(words)[:_LONGEST_NAME].strip() or ids_of(spec.device, "device"))


def slug(name: str) -> str:
    """A file name of ``name``: lower-case words with hyphens between; ``device`` when nothing is left of it."""
    return _NO_SLUG.sub("-", name.lower())[:_LONGEST_SLUG].strip("-") or "device"


def distinct_slugs(names: Iterable[str]) -> Iterator[str]:
    """The slug of each name; one that was there before gets a number."""
    taken: set[str] = set()
    for name in names:
        base = found = slug(name)
        count = 1
        while found in taken:
            count += 1
            found = f"{base}-{count}"
        taken.add(found)
        yield found
