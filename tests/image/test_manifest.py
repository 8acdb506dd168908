"""Which modules an image has, and in what order the agent loads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.image import policy
from harness.guest.image.manifest import Manifest, manifest, read_tables
from harness.guest.kernels import ModuleIndex
from usbfuzz.errors import KernelError

DEPENDENCIES = {
    "kernel/virtio/virtio.ko": "",
    "kernel/virtio/virtio_pci.ko.xz": "kernel/virtio/virtio.ko",
    "kernel/char/virtio_console.ko": "kernel/virtio/virtio.ko",
    "kernel/usb/usbcore.ko": "",
    "kernel/usb/xhci-hcd.ko": "kernel/usb/usbcore.ko",
    "kernel/usb/xhci-pci.ko": "kernel/usb/xhci-hcd.ko kernel/usb/usbcore.ko",
    "kernel/hid/hid.ko": "",
    "kernel/hid/usbhid.ko.gz": "kernel/hid/hid.ko kernel/usb/usbcore.ko",
    "kernel/hid/hid-apple.ko": "kernel/hid/hid.ko",
    "kernel/usb/usbtest.ko": "kernel/usb/usbcore.ko",
    "kernel/usb/wants-usbtest.ko": "kernel/usb/usbtest.ko kernel/usb/usbcore.ko",
    "kernel/lib/crc16.ko": "",
    "kernel/drivers/media/tuners/xc5000.ko": "",
    "kernel/misc/reader.ko": "kernel/usb/usbcore.ko",
    "kernel/mmc/reader-mmc.ko": "kernel/misc/reader.ko kernel/usb/usbcore.ko",
    "kernel/usb/watcher.ko": "kernel/usb/usbcore.ko",
    "kernel/fs/unrelated.ko": "",
}
ALIASES = """\
# Aliases extracted from modules themselves.
alias usb:v1234p*d*dc*dsc*dp*ic*isc*ip*in* usbtest
alias usb:v1235p*d*dc*dsc*dp*ic*isc*ip*in* wants_usbtest
alias usb:v1236p*d*dc*dsc*dp*ic*isc*ip*in* reader
alias usb:v*p*d*dc09dsc*dp*ic*isc*ip*in* usbcore
alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
alias hid:b0003g*v000005ACp* hid_apple
alias xc5000-tuner xc5000
alias fs-unrelated unrelated
"""


def _tree(directory: Path, dependencies: dict[str, str], softdep: str = "", builtin: str = "") -> Path:
    text = "".join(f"{path}: {needs}".rstrip() + "\n" for path, needs in dependencies.items())
    (directory / "modules.dep").write_text(text)
    (directory / "modules.alias").write_text(ALIASES)
    (directory / "modules.builtin").write_text(builtin)
    (directory / "modules.softdep").write_text(softdep)
    (directory / "modules.symbols").write_text("alias symbol:xc5000_attach xc5000\nalias symbol:nobody unrelated\n")
    return directory


def _loads(contents: Manifest, names: tuple[str, ...], index: ModuleIndex) -> bool:
    seen: set[str] = set()
    for name in names:
        if not set(index.dependencies[name]) <= seen:
            return False
        seen.add(name)
    return seen <= set(contents.modules)


@given(st.permutations(sorted(DEPENDENCIES)))
def test_every_module_loads_after_all_it_needs(tmp_path_factory: pytest.TempPathFactory, order: list[str]) -> None:
    tables = read_tables(_tree(tmp_path_factory.mktemp("m"), {path: DEPENDENCIES[path] for path in order}))
    contents = manifest(tables)
    assert _loads(contents, contents.base, tables.index)
    assert _loads(contents, contents.all, tables.index)
    assert contents.all[: len(contents.base)] == contents.base


def test_drivers_are_loaded_with_what_they_ask_for_and_the_rest_stays_out(tmp_path: Path) -> None:
    contents = manifest(read_tables(_tree(tmp_path, DEPENDENCIES)))
    assert {"hid_apple", "xc5000"} <= set(contents.all)
    assert not {"hid_apple", "xc5000"} & set(contents.base)
    assert set(contents.modules) == set(contents.all)
    assert "unrelated" not in contents.modules


def test_an_excluded_module_stays_out_with_its_users(tmp_path: Path) -> None:
    assert "usbtest" in policy.EXCLUDED
    assert not {"usbtest", "wants_usbtest"} & set(manifest(read_tables(_tree(tmp_path, DEPENDENCIES))).modules)


def test_a_module_that_uses_a_driver_comes_along_and_one_that_uses_the_bus_does_not(tmp_path: Path) -> None:
    contents = manifest(read_tables(_tree(tmp_path, DEPENDENCIES)))
    assert "reader_mmc" in contents.all
    assert "watcher" not in contents.modules


def test_soft_dependencies_are_loaded_first(tmp_path: Path) -> None:
    contents = manifest(read_tables(_tree(tmp_path, DEPENDENCIES, softdep="softdep hid_apple pre: crc16\n")))
    assert contents.all.index("crc16") < contents.all.index("hid_apple")


def test_paths_in_the_image_have_no_compression_suffix(tmp_path: Path) -> None:
    contents = manifest(read_tables(_tree(tmp_path, DEPENDENCIES)))
    assert contents.modules["virtio_pci"] == "kernel/virtio/virtio_pci.ko"
    assert contents.sources["virtio_pci"].name == "virtio_pci.ko.xz"
    assert "kernel/hid/usbhid.ko: kernel/hid/hid.ko kernel/usb/usbcore.ko\n" in contents.dep


def test_the_helper_finds_what_the_kernel_asks_for_and_no_device_ids(tmp_path: Path) -> None:
    contents = manifest(read_tables(_tree(tmp_path, DEPENDENCIES)))
    assert contents.alias.splitlines() == ["alias xc5000-tuner xc5000", "alias symbol:xc5000_attach xc5000"]


def test_the_ids_are_those_of_drivers_that_are_in_the_image(tmp_path: Path) -> None:
    ids = manifest(read_tables(_tree(tmp_path, DEPENDENCIES))).ids
    assert [line.split()[2] for line in ids.splitlines()] == ["reader", "usbcore", "usbhid", "hid_apple"]


def test_a_built_in_host_controller_is_as_good_as_a_module(tmp_path: Path) -> None:
    without = {path: needs for path, needs in DEPENDENCIES.items() if "xhci" not in path}
    builtin = "kernel/usb/xhci-hcd.ko\nkernel/usb/xhci-pci.ko\n"
    assert "xhci_pci" not in manifest(read_tables(_tree(tmp_path, without, builtin=builtin))).modules


def test_a_kernel_without_virtio_console_is_refused_by_name(tmp_path: Path) -> None:
    without = {path: needs for path, needs in DEPENDENCIES.items() if "virtio_console" not in path}
    with pytest.raises(KernelError, match="virtio_console"):
        manifest(read_tables(_tree(tmp_path, without)))


def test_a_tree_without_module_tables_asks_for_depmod(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="depmod"):
        read_tables(tmp_path)


def test_every_exclusion_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in policy.EXCLUDED.values())
    assert not {*policy.REQUIRED, *policy.BASE, *policy.HOST} & set(policy.EXCLUDED)
