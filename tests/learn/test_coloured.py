"""Fields of descriptors in colours: those by which no driver is chosen, each another number."""

from __future__ import annotations

from strategies.identities import Identity
from strategies.learning.coloured import asked_for, coloured
from strategies.learning.draft import Change, draft_of
from strategies.learning.parts import CONFIGURATION, DEVICE
from usbfuzz.case.model import DeviceSpec

_DEVICE = bytes.fromhex("12 01 0002 00 00 00 40 f9057832 0001 01 02 03 01")
_CONFIGURATION = bytes.fromhex(
    "09 02 2000 01 01 00 80 32  09 04 00 00 02 ff 00 00 00  07 05 81 03 4000 04  07 05 02 02 4000 00"
)


def test_what_no_id_asks_for_is_coloured() -> None:
    ids = [Identity("one", 0x05F9, 0x3278, bDeviceClass=0, bInterfaceClass=0xFF)]
    draft = draft_of(DeviceSpec("one", _DEVICE, (_CONFIGURATION,)), asked_for(ids))
    parts = coloured(draft).parts
    changed = [at for at in range(18) if parts[DEVICE].data[at] != _DEVICE[at]]
    assert changed == [5, 6, 12, 13]
    changed = [at for at in range(32) if parts[CONFIGURATION].data[at] != _CONFIGURATION[at]]
    assert changed == [15, 16, 22, 24]  # subclass, protocol, wMaxPacketSize and bInterval of the interrupt endpoint
    codes = [parts[DEVICE].data[at] for at in (5, 6, 12, 13)] + [parts[CONFIGURATION].data[at] for at in (15, 16)]
    assert len(set(codes)) == len(codes)
    assert coloured(draft).case(0).devices[0].device == parts[DEVICE].data
    again = coloured(draft.changed(Change(DEVICE, 5, b"\x07")).changed(Change(CONFIGURATION, 16, b"\x08"))).parts
    assert (again[DEVICE].data[5], again[CONFIGURATION].data[16]) == (7, 8)  # what was learned stays


def test_a_driver_of_the_hid_bus_is_chosen_by_the_class_too() -> None:
    assert asked_for([Identity("hid_one", 1, 2, hid=True)]) >= {"bInterfaceClass", "bInterfaceSubClass"}
    assert asked_for([Identity("one", 1, 2)]) == frozenset()
