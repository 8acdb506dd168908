"""Which driver bound while a case ran."""

from __future__ import annotations

import pytest

from harness.lane.drivers import only_driver
from harness.lane.outcome import Binding


@pytest.mark.parametrize(
    ("names", "only"),
    [
        (["usb", "pn533_usb"], "pn533_usb"),
        (["usb", "snd-usb-audio", "snd-usb-audio"], "snd_usb_audio"),
        (["usb", "usbhid", "hid-sony"], "hid_sony"),
        (["usb", "usbhid"], "usbhid"),
        (["usb", "usbhid", "hid-generic"], ""),
        (["usb", "usbhid", "snd-usb-audio"], "snd_usb_audio"),
        (["usb", "cdc_acm", "snd-usb-audio"], ""),
        (["usb", "hub"], ""),
        ([], ""),
    ],
)
def test_the_one_driver_that_bound_is_named_and_of_two_neither(names: list[str], only: str) -> None:
    assert only_driver(Binding(0, "1-1:1.0", name) for name in names) == only
