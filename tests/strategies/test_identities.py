"""What is read from a kernel's modules.alias."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from strategies import CLASS_DRIVERS, Identities, Identity
from strategies.dice import Dice
from usbfuzz.errors import InputError

from .aliases import ALIASES, IDENTITIES


def test_vendor_and_product_are_read() -> None:
    assert IDENTITIES.of("quatech2") == (
        Identity("quatech2", idVendor=0x061D, idProduct=0xC120),
        Identity("quatech2", idVendor=0x061D, idProduct=0xC140),
    )


def test_a_wildcard_is_none_and_a_class_match_a_number() -> None:
    (bluetooth,) = IDENTITIES.of("btusb")
    assert bluetooth.idVendor is None
    assert (bluetooth.bInterfaceClass, bluetooth.bInterfaceSubClass, bluetooth.bInterfaceProtocol) == (0xE0, 1, 1)


def test_an_interface_number_is_read_despite_its_trailing_wildcard() -> None:
    assert IDENTITIES.of("qmi_wwan")[0].bInterfaceNumber == 4


def test_a_device_class_match_is_read() -> None:
    assert IDENTITIES.of("usbcore")[0].bDeviceClass == 9


def test_a_release_glob_becomes_the_range_it_matches() -> None:
    ranges = [identity.bcdDevice for identity in IDENTITIES.of("uas")]
    assert ranges == [(0x0000, 0x02FF), (0x0160, 0x0160), None]


def test_hid_aliases_keep_group_and_wildcards() -> None:
    assert IDENTITIES.of("wacom") == (Identity("wacom", idVendor=0x056A, hid=True, group=0x0101),)
    assert IDENTITIES.of("hid_logitech") == (Identity("hid_logitech", 0x046D, 0xC29B, hid=True),)
    assert IDENTITIES.of("hid_multitouch") == (Identity("hid_multitouch", hid=True, group=4),)


def test_bluetooth_and_i2c_hid_devices_and_other_buses_are_left_out() -> None:
    assert IDENTITIES.of("hid_playstation") == ()
    assert IDENTITIES.of("igb") == ()


def test_every_usb_line_is_understood() -> None:
    usb = [line for line in ALIASES.splitlines() if line.startswith(("alias usb:", "alias hid:b0003", "alias hid:b*"))]
    assert len(IDENTITIES) == len(usb)


def test_a_text_without_usb_aliases_is_refused() -> None:
    with pytest.raises(InputError, match=r"modules\.alias"):
        Identities.parse("alias pci:v*d*sv*sd*bc*sc*i* igb\n")


def test_modules_are_picked_evenly_however_many_ids_they_have() -> None:
    dice = Dice(1)
    modules = ("quatech2", "ftdi_sio", "cxacru")
    picked = Counter(IDENTITIES.pick(dice, modules).module for _ in range(3000))
    assert all(800 < picked[module] < 1200 for module in modules)


@given(identity=IDENTITIES.strategy())
def test_the_strategy_draws_identities_of_this_kernel(identity: Identity) -> None:
    assert identity in IDENTITIES.of(identity.module)


def test_the_class_drivers_serve_every_kind_of_class_device() -> None:
    assert {"snd_usb_audio", "uvcvideo", "usb_storage", "usbhid", "cdc_acm", "usbcore", "usblp"} <= set(
        CLASS_DRIVERS.modules
    )
