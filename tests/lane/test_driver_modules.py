"""Which modules are drivers is told by the kernel's own modules.alias."""

from __future__ import annotations

from pathlib import Path

from harness.lane.drivers import driver_modules


def test_modules_that_bind_usb_or_hid_devices_are_drivers_and_the_cores_of_both_are_not(tmp_path: Path) -> None:
    aliases = tmp_path / "modules.alias"
    aliases.write_text(
        "# Aliases extracted from modules themselves.\n"
        "alias usb:v*p*d*dc*dsc*dp*ic01isc*ip*in* snd-usb-audio\n"
        "alias usb:v*p*d*dc09dsc*dp*ic*isc*ip*in* usbcore\n"
        "alias hid:b0003g*v0000046Dp* hid_logitech\n"
        "alias pci:v00008086d* e1000e\n"
        "alias char-major-81-* videodev\n"
    )
    assert driver_modules(aliases) == {"snd_usb_audio", "hid_logitech"}
