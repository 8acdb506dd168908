"""Configurations as text, and what trimming takes out of them."""

from __future__ import annotations

from harness.guest.builds.config import changed, not_taken, values
from harness.guest.builds.trimming import BUILD, DROPPED, changes, lsmod
from harness.guest.image import policy
from harness.guest.kernels.features import FEATURES

CONFIG = """\
# Automatically generated
CONFIG_USB=m
CONFIG_DEBUG_INFO=y
# CONFIG_KASAN is not set
CONFIG_LOCALVERSION=""
CONFIG_USB_HID=m
"""


def test_options_are_changed_where_they_were_set_or_not_set_or_unknown() -> None:
    text = changed(CONFIG, {"KASAN": "y", "DEBUG_INFO": "n", "LOCALVERSION": '"+kasan"', "NEW": "m"})
    assert values(text) == {"USB": "m", "USB_HID": "m", "KASAN": "y", "LOCALVERSION": '"+kasan"', "NEW": "m"}
    assert "# CONFIG_DEBUG_INFO is not set\n" in text
    assert text.count("KASAN") == 1
    assert text.startswith("# Automatically generated\n")


def test_an_option_is_changed_by_its_whole_name() -> None:
    assert values(changed(CONFIG, {"USB": "n"})) == {"DEBUG_INFO": "y", "LOCALVERSION": '""', "USB_HID": "m"}


def test_what_kconfig_did_not_take_is_named() -> None:
    assert not_taken(CONFIG, {"USB": "m", "KASAN": "y", "USB_HID": "y", "KASAN_INLINE": "n"}) == ["KASAN", "USB_HID"]


def test_trimming_drops_no_option_that_a_feature_sets() -> None:
    dropped = {name for names in DROPPED.values() for name in names}
    for feature in FEATURES.values():
        assert not dropped & feature.options.keys()
        assert not BUILD.keys() & feature.options.keys()
        assert feature.options.items() <= changes(feature.options, "").items()


def test_trimming_drops_no_bus_of_a_guest() -> None:
    dropped = {name for names in DROPPED.values() for name in names}
    for part in (
        "USB",
        "HID",
        "VIRTIO",
        "PCI",
        "SND_USB",
        "SERIAL",
        "MODULES",
        "BLK_DEV_INITRD",
        "SLUB_DEBUG",
        "KALLSYMS",
    ):
        assert not any(name == part or name.startswith(f"{part}_") for name in dropped)


def test_localmodconfig_is_told_every_module_of_the_image() -> None:
    lines = lsmod(policy.REQUIRED).splitlines()
    assert lines[0].startswith("Module")
    assert [line.split()[0] for line in lines[1:]] == list(policy.REQUIRED)
