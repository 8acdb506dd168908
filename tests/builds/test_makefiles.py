"""What is read out of a kernel tree's Makefiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guest.builds.makefiles import module_options, objects_to_make

FILES = {
    "Kbuild": "obj-y += drivers/\nobj-y += drivers/\nobj-$(CONFIG_SAMPLES) += samples/\n",
    "drivers/Makefile": "obj-$(CONFIG_USB)\t\t+= usb/\nobj-y += hid/ # always\n",
    "drivers/usb/Makefile": (
        "obj-$(CONFIG_USB_STORAGE) += usb-storage.o\n"
        "usb-storage-y := scsi.o glue.o\n"
        "usb-storage-$(CONFIG_USB_DEBUG) += debug.o\n"
        "obj-$(CONFIG_USB_A) += either.o \\\n  other.o\n"
        "obj-$(CONFIG_USB_B) += either.o\n"
    ),
    "drivers/hid/Makefile": "obj-$(CONFIG_HID) += hid.o\nhid-objs := core.o\nhid-objs += input.o\nobj-y += table.o\n",
    "samples/Makefile": "obj-y += sample.o\n",
}
SOURCES = (
    "drivers/usb/scsi.c", "drivers/usb/glue.c", "drivers/usb/debug.c", "drivers/usb/either.c", "drivers/usb/other.c",
    "drivers/hid/core.c", "drivers/hid/input.c", "drivers/hid/table.S", "samples/sample.c",
)  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in {**FILES, **dict.fromkeys(SOURCES, "")}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_module_is_traced_to_the_options_that_build_it(source: Path) -> None:
    modules = {
        "usb_storage": "kernel/drivers/usb/usb-storage.ko",
        "either": "kernel/drivers/usb/either.ko",
        "other": "kernel/drivers/usb/other.ko",
        "unknown": "kernel/drivers/usb/unknown.ko",
        "elsewhere": "kernel/nowhere/elsewhere.ko",
    }
    assert module_options(source, modules) == {
        "usb_storage": ("USB_STORAGE",),
        "either": ("USB_A", "USB_B"),
        "other": ("USB_A",),
        "unknown": (),
        "elsewhere": (),
    }


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({}, 1),  # table.S
        ({"HID": "m"}, 3),
        ({"HID": "m", "USB": "m", "USB_STORAGE": "m"}, 5),
        ({"HID": "m", "USB": "m", "USB_STORAGE": "m", "USB_DEBUG": "y"}, 6),
        ({"SAMPLES": "y"}, 2),
    ],
)
def test_the_files_to_compile_are_counted_through_directories_and_composed_objects(
    source: Path, options: dict[str, str], files: int
) -> None:
    assert objects_to_make(source, "x86", options) == files
