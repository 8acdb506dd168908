"""Kernels on the machine itself: trees, directories, images, the running kernel."""

from __future__ import annotations

import gzip
import lzma
import os
import subprocess
from pathlib import Path

import pytest

from harness.guest.kernels import ModuleIndex, installed, read_module, remove, resolve
from usbfuzz.errors import KernelError

from .bound import bound_by_usb
from .signed_archive import bzimage, module, module_files

RELEASE = "6.9.0-rc1+"


def write(root: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write(tmp_path / "dir", {"bzImage": bzimage(RELEASE), **module_files(f"lib/modules/{RELEASE}")})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(
        tmp_path / "linux",
        {
            "arch/x86/boot/bzImage": bzimage(RELEASE),
            "include/config/kernel.release": f"{RELEASE}\n".encode(),
            "modules.order": b"drivers/hid/usbhid/usbhid.o\nkernel/locking/locktorture.o\n",
            "modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
            "drivers/hid/usbhid/usbhid.ko": module(name="usbhid", alias="usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*"),
            "kernel/locking/locktorture.ko": module(name="locktorture"),
        },
    )


def test_a_directory_gives_its_kernel_and_is_left_as_it_was(directory: Path, cache: Path) -> None:
    before = sorted(directory.rglob("*"))
    kernel = resolve(str(directory), cache)
    assert (kernel.name, kernel.release) == (f"dir:{directory}", RELEASE)
    assert bound_by_usb(kernel) == {"usbhid"}
    assert sorted(directory.rglob("*")) == before
    assert resolve(kernel.name, cache) == kernel


def test_indexed_modules_are_used_where_they_are(directory: Path, cache: Path) -> None:
    modules = directory / "lib/modules" / RELEASE
    write(modules, {"modules.dep": b"", "modules.alias": b""})
    kernel = resolve(f"dir:{directory}", cache)
    assert kernel.modules == modules
    assert kernel.vmlinuz == directory / "bzImage"
    assert not cache.exists()


@pytest.mark.parametrize(
    "order", ["drivers/hid/usbhid/usbhid.o", "drivers/hid/usbhid/usbhid.ko", "kernel/drivers/hid/usbhid/usbhid.ko"]
)
def test_a_built_tree_is_understood_in_every_style_of_modules_order(tree: Path, cache: Path, order: str) -> None:
    (tree / "modules.order").write_text(f"{order}\n")
    index = ModuleIndex.read(resolve(str(tree), cache).modules)
    assert index.paths == {"usbhid": index.directory / "kernel/drivers/hid/usbhid/usbhid.ko"}
    assert index.builtin == {"ext4"}


def test_modules_from_the_trees_own_kernel_directory_are_found(tree: Path, cache: Path) -> None:
    index = ModuleIndex.read(resolve(f"tree:{tree}", cache).modules)
    assert index.paths["locktorture"] == index.directory / "kernel/kernel/locking/locktorture.ko"
    assert read_module(index.paths["locktorture"]) == module(name="locktorture")


def test_a_rebuilt_tree_gives_the_new_kernel(tree: Path, cache: Path) -> None:
    first = resolve(f"tree:{tree}", cache)
    (tree / "arch/x86/boot/bzImage").write_bytes(bzimage(RELEASE, b"rebuilt"))
    second = resolve(f"tree:{tree}", cache)
    assert second.digest != first.digest
    assert installed(cache) == [second]


def test_a_tree_without_modules_is_a_kernel_too(tree: Path, cache: Path) -> None:
    (tree / "modules.order").unlink()
    assert ModuleIndex.read(resolve(f"tree:{tree}", cache).modules).paths == {}


def test_an_image_alone_is_a_kernel_with_everything_built_in(directory: Path, cache: Path) -> None:
    kernel = resolve(f"bzimage:{directory}/bzImage", cache)
    assert (kernel.release, ModuleIndex.read(kernel.modules).paths) == (RELEASE, {})


def test_an_image_and_its_modules_can_be_in_different_places(directory: Path, tree: Path, cache: Path) -> None:
    spec = f"bzimage:{tree}/arch/x86/boot/bzImage,modules:{directory}/lib/modules/{RELEASE}"
    kernel = resolve(spec, cache)
    assert kernel.name == spec
    assert set(ModuleIndex.read(kernel.modules).paths) == {"usbhid", "fat"}


def test_removing_a_local_kernel_keeps_the_users_files(tree: Path, cache: Path) -> None:
    resolve(f"tree:{tree}", cache)
    remove(str(tree), cache)
    assert installed(cache) == []
    assert (tree / "drivers/hid/usbhid/usbhid.ko").is_file()


def break_directory(directory: Path, what: str) -> None:
    match what:
        case "no image":
            (directory / "bzImage").unlink()
        case "two images":
            (directory / "vmlinuz-2").write_bytes(bzimage("2"))
        case "no modules":
            (directory / "lib/modules" / RELEASE).rename(directory / "lib/modules/5.0")
        case "not an image":
            (directory / "bzImage").write_bytes(b"\x7fELF" + bytes(1000))
        case "no version":
            (directory / "bzImage").write_bytes(bytes(0x202) + b"HdrS" + bytes(100))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no image", "holds no .*bzImage or vmlinuz"),
        ("two images", r"several kernel images \(bzImage, vmlinuz-2\); use bzimage:PATH,modules:PATH"),
        ("no modules", r"bzImage is 6\.9\.0-rc1\+, but there is no .*/lib/modules/6\.9\.0-rc1\+"),
        ("not an image", r"not a kernel image \(.*x86-64 bzImage\); give .*arch/x86/boot/bzImage"),
        ("no version", "does not say which kernel release it is"),
    ],
)
def test_a_directory_that_is_no_kernel_is_told_why(directory: Path, cache: Path, what: str, message: str) -> None:
    break_directory(directory, what)
    with pytest.raises(KernelError, match=message):
        resolve(f"dir:{directory}", cache)


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("arch/x86/boot/bzImage", None, "no .*arch/x86/boot/bzImage; build it"),
        ("include/config/kernel.release", None, "is .* a built kernel tree"),
        ("include/config/kernel.release", b"6.8.0\n", r"bzImage is 6\.9\.0-rc1\+ but the tree is 6\.8\.0; run make"),
        ("drivers/hid/usbhid/usbhid.ko", None, "listed in modules.order but not built; run make modules"),
    ],
)
def test_a_tree_that_is_not_fully_built_is_told_why(
    tree: Path, cache: Path, path: str, content: bytes | None, message: str
) -> None:
    (tree / path).unlink()
    if content is not None:
        (tree / path).write_bytes(content)
    with pytest.raises(KernelError, match=message):
        resolve(f"tree:{tree}", cache)


def test_modules_of_another_release_are_refused(directory: Path, cache: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "6.1", {"modules.dep": b""})
    with pytest.raises(KernelError, match=r"is 6\.9\.0-rc1\+, but .* is not its modules directory"):
        resolve(f"bzimage:{directory}/bzImage,modules:{other}", cache)


def test_a_host_without_its_kernel_image_is_told_where_it_was_looked_for(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", "0.0-none", "#1", "x86_64")))
    with pytest.raises(KernelError, match=r"neither /boot/vmlinuz-0\.0-none nor /lib/modules/0\.0-none/vmlinuz exists"):
        resolve("host", cache)


@pytest.fixture
def index(tmp_path: Path) -> ModuleIndex:
    dep = (
        "kernel/snd-usb-audio.ko.xz: kernel/snd-usbmidi-lib.ko.xz kernel/usbcore.ko.xz kernel/usb-common.ko.xz\n"
        "kernel/snd-usbmidi-lib.ko.xz: kernel/usbcore.ko.xz kernel/usb-common.ko.xz\n"
        "kernel/usbcore.ko.xz: kernel/usb-common.ko.xz\nkernel/usb-common.ko.xz:\nkernel/hid-generic.ko.xz:\n"
    )
    alias = (
        "# Aliases extracted from modules themselves.\n"
        "alias usb:v*p*d*dc*dsc*dp*ic01isc03ip*in* snd-usb-audio\n"
        "alias hid:b*g*v*p* hid_generic\nalias fs-ext4 ext4\nalias pci:v*d*sv*sd*bc*sc*i* usb_common\n"
    )
    files = {"modules.dep": dep, "modules.alias": alias, "modules.builtin": "kernel/fs/ext4/ext4.ko\n"}
    return ModuleIndex.read(write(tmp_path / "m", {name: text.encode() for name, text in files.items()}))


def test_dependencies_are_in_an_order_in_which_they_can_be_loaded(index: ModuleIndex) -> None:
    assert index.dependencies["snd_usb_audio"] == ("usb_common", "usbcore", "snd_usbmidi_lib")
    assert index.dependencies["hid_generic"] == ()
    assert index.builtin == {"ext4"}


def test_aliases_are_read_in_file_order_with_the_names_of_proc_modules(index: ModuleIndex) -> None:
    assert [alias.module for alias in index.aliases] == ["snd_usb_audio", "hid_generic", "ext4", "usb_common"]
    assert index.aliases[1].pattern == "hid:b*g*v*p*"


def test_a_directory_without_indexes_asks_for_depmod(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"modules\.dep: No such file or directory; run depmod"):
        ModuleIndex.read(tmp_path)


def zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "--quiet", "--stdout"], input=content, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress), (".zst", zstd)]
)
def test_a_module_is_read_however_it_is_packed(tmp_path: Path, suffix: str, pack: object) -> None:
    assert callable(pack)
    path = tmp_path / f"usbhid.ko{suffix}"
    path.write_bytes(pack(module(name="usbhid")))
    assert read_module(path) == module(name="usbhid")


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz", ".zst"])
def test_a_broken_module_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"usbhid.ko{suffix}"
    path.write_bytes(b"not a module")
    with pytest.raises(KernelError):
        read_module(path)
