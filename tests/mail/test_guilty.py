"""Which files of the kernel are blamed: the report's own, else those of the driver's module."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from usbfuzz.jobs.mail.guilty import guilty_files, module_directories
from usbfuzz.triage import Report

DIRECTORIES = {
    "uvcvideo": "drivers/media/usb/uvc/",
    "hid_u2fzero": "drivers/hid/",
    "usbcore": "drivers/usb/core/",
}
REPORT = Report("general protection fault in uvc_probe", frame="uvc_probe", module="uvcvideo")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "drivers/media/usb/uvc/uvc_driver.c": "struct x;\nstatic int uvc_probe(struct x *intf,\n\t\tint id)\n{\n}\n",
        "drivers/media/usb/uvc/uvc_video.c": "int uvc_probe(int);\nvoid f(void)\n{\n\tif (uvc_probe(1)) {\n\t}\n}\n",
        "drivers/hid/hid-u2fzero.c": "int u2fzero_probe(void)\n{\n}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_file_that_defines_the_reports_function_is_found(tree: Path) -> None:
    assert guilty_files(REPORT, "", ["uvcvideo"], DIRECTORIES, tree) == ("drivers/media/usb/uvc/uvc_driver.c",)


def test_the_directory_is_named_where_no_file_or_no_tree_is_known(tree: Path) -> None:
    other = evolve(REPORT, frame="uvc_unknown")
    assert guilty_files(other, "", [], DIRECTORIES, tree) == ("drivers/media/usb/uvc/",)
    assert guilty_files(REPORT, "", [], DIRECTORIES, None) == ("drivers/media/usb/uvc/",)


def test_a_file_called_as_the_module_is_its_file(tree: Path) -> None:
    assert guilty_files(None, "", ["hid-u2fzero"], DIRECTORIES, tree) == ("drivers/hid/hid-u2fzero.c",)


def test_the_file_of_a_source_line_comes_first(tree: Path) -> None:
    report = evolve(REPORT, file="drivers/hid/hid-u2fzero.c")
    found = guilty_files(report, "", [], DIRECTORIES, tree)
    assert found == ("drivers/hid/hid-u2fzero.c", "drivers/media/usb/uvc/uvc_driver.c")


def test_a_driver_is_blamed_before_the_core_that_it_called(tree: Path) -> None:
    (tree / "drivers/usb/core").mkdir(parents=True)
    (tree / "drivers/usb/core/urb.c").write_text("int usb_submit_urb(void)\n{\n}\n")
    report = Report("WARNING in x", frame="usb_submit_urb", module="usbcore", file="drivers/usb/core/urb.c")
    found = guilty_files(report, "hid-u2fzero", ["usbcore"], DIRECTORIES, tree)
    assert found == ("drivers/hid/hid-u2fzero.c", "drivers/usb/core/urb.c")


@pytest.mark.parametrize("file", ["drivers/gone.c", "/etc/passwd", "../../etc/passwd"])
def test_a_file_that_the_tree_does_not_have_is_not_blamed(tree: Path, file: str) -> None:
    assert guilty_files(evolve(REPORT, file=file, module=None), "", [], DIRECTORIES, tree) == ()


def test_drivers_that_were_only_there_are_not_blamed_beside_one_that_is_known(tree: Path) -> None:
    assert guilty_files(REPORT, "", ["hid_u2fzero"], DIRECTORIES, tree) == ("drivers/media/usb/uvc/uvc_driver.c",)
    assert guilty_files(None, "uvcvideo", ["hid_u2fzero"], DIRECTORIES, tree) == ("drivers/media/usb/uvc/",)


def test_the_first_driver_that_was_there_is_blamed_where_none_is_known(tree: Path) -> None:
    drivers = ["none_such", "hid_u2fzero", "uvcvideo"]
    assert guilty_files(None, "", drivers, DIRECTORIES, tree) == ("drivers/hid/hid-u2fzero.c",)
    (tree / "drivers/base").mkdir()
    (tree / "drivers/base/core.c").touch()
    core = Report("general protection fault in device_del", frame="device_del", file="drivers/base/core.c")
    found = guilty_files(core, "", drivers, DIRECTORIES, tree)
    assert found == ("drivers/hid/hid-u2fzero.c", "drivers/base/core.c")


def test_modules_are_found_in_the_lists_of_a_kernel_built_in_ones_too(tmp_path: Path) -> None:
    (tmp_path / "modules.dep").write_text(
        "kernel/drivers/media/usb/uvc/uvcvideo.ko.xz: kernel/drivers/media/v4l2-core/videodev.ko.xz\n"
        "kernel/sound/usb/snd-usb-audio.ko:\n"
    )
    (tmp_path / "modules.builtin").write_text("kernel/drivers/usb/core/usbcore.ko\n")
    assert module_directories(tmp_path) == {
        "uvcvideo": "drivers/media/usb/uvc/",
        "snd_usb_audio": "sound/usb/",
        "usbcore": "drivers/usb/core/",
    }
    assert module_directories(tmp_path / "nowhere") == {}
