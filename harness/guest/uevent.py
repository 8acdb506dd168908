"""What the guest's kernel says of its devices."""

from __future__ import annotations

from attrs import frozen

__all__ = ["UEvent"]


@frozen
class UEvent:
    """One kobject uevent of a device, in the kernel's order.

    ``kind`` is ``add``, ``remove``, ``bind``, ``unbind``, or ``lost`` (the kernel's queue overflowed, some are missing
    before this one; the other fields are empty).
    """

    kind: str
    subsystem: str = ""  #: ``usb``, ``hid``, ``input``, ``hidraw``, ``tty``, ``net``, ``sound`` …
    name: str = ""  #: kobject name: ``3-1``, ``3-1:1.0``, ``0003:1234:5678.0001``, ``hidraw0``
    detail: str = ""  #: device node below ``/dev`` for add and remove, driver for bind; may be empty

    @classmethod
    def parse(cls, line: str) -> UEvent | None:
        """The event of a line without its ``* ``; None when it is not one."""
        match line.split(" "):
            case ["lost"]:
                return cls("lost")
            case ["add" | "remove" | "bind" | "unbind" as kind, subsystem, name, *detail]:
                return cls(kind, subsystem, name, " ".join(detail))
            case _:
                return None
