"""Whole images, of a kernel made of a few pretended modules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.guest.image import build, build_image
from harness.guest.image.programs import AGENT, TOOL_NAMES, TOOLS
from harness.guest.kernels import Kernel
from usbfuzz.errors import InfraError, KernelError, StorageError

MODULES = ("virtio_pci", "virtio_console", "usbcore", "xhci-hcd", "xhci-pci", "usbhid")
NEEDS = {"xhci-pci": " xhci-hcd.ko usbcore.ko"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with nothing but agent and tools: compiling them takes seconds."""
    cache = tmp_path_factory.mktemp("compiled")
    AGENT.binary(cache)
    TOOLS.binary(cache)
    return cache


@pytest.fixture
def cache(tmp_path: Path, compiled: Path) -> Path:
    return Path(shutil.copytree(compiled, tmp_path / "cache"))


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    modules = tmp_path / "lib/modules/6.1.0-test"
    modules.mkdir(parents=True)
    for name in MODULES:
        (modules / f"{name}.ko").write_bytes(b"\x7fELF" + name.encode())
    (modules / "modules.dep").write_text("".join(f"{name}.ko:{NEEDS.get(name, '')}\n" for name in MODULES))
    (modules / "modules.alias").write_text("alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid\n")
    (modules / "modules.builtin").write_text("")
    vmlinuz = tmp_path / "vmlinuz"
    vmlinuz.write_bytes(b"bzImage")
    return Kernel("tree:/src", "6.1.0-test", vmlinuz, modules, "0123456789abcdef")


def _names(path: Path) -> set[str]:
    done = subprocess.run(["cpio", "-t", "--quiet"], input=path.read_bytes(), capture_output=True, check=True)
    return set(done.stdout.decode().split())


def _extract(path: Path, name: str) -> bytes:
    command = ["cpio", "-i", "--quiet", "--to-stdout", name]
    return subprocess.run(command, input=path.read_bytes(), capture_output=True, check=True).stdout


def test_an_image_has_the_agent_as_init_the_modules_and_their_order(kernel: Kernel, cache: Path) -> None:
    image = build_image(kernel, cache)
    root = "lib/modules/6.1.0-test"
    assert {"init", "sbin/modprobe", "bin/busybox", "dev/console", f"{root}/usbhid.ko"} <= _names(image.path)
    assert {f"bin/{name}" for name in TOOL_NAMES} <= _names(image.path)
    assert _extract(image.path, "init").startswith(b"\x7fELF")
    assert _extract(image.path, f"bin/{TOOL_NAMES[0]}").startswith(b"\x7fELF")
    assert _extract(image.path, f"{root}/usbhid.ko") == b"\x7fELFusbhid"
    assert _extract(image.path, "etc/usbfuzz/modules.base").decode().split()[0] == "virtio_pci.ko"
    assert image.modules == ("usbcore", "usbhid", "virtio_console", "virtio_pci", "xhci_hcd", "xhci_pci")


def test_an_image_says_which_devices_its_own_modules_ask_for(kernel: Kernel, cache: Path) -> None:
    ours = "alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid\n"
    (kernel.modules / "modules.alias").write_text(f"{ours}alias usb:v1234p*d*dc*dsc*dp*ic*isc*ip*in* usbtest\n")
    assert build_image(kernel, cache).aliases.read_text() == ours


def test_other_ids_give_another_image_and_ids_that_were_lost_are_written_again(kernel: Kernel, cache: Path) -> None:
    first = build_image(kernel, cache)
    with (kernel.modules / "modules.alias").open("a") as aliases:
        aliases.write("alias usb:v1235p*d*dc*dsc*dp*ic*isc*ip*in* usbhid\n")
    second = build_image(kernel, cache)
    assert second.digest != first.digest
    assert "v1235" in second.aliases.read_text()
    second.aliases.unlink()
    assert "v1235" in build_image(kernel, cache).aliases.read_text()


def test_the_second_call_takes_the_image_from_the_cache(
    kernel: Kernel, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_image(kernel, cache)

    def explode(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(build, "_write", explode)
    assert build_image(kernel, cache) == first


def test_a_rebuilt_module_gives_another_image(kernel: Kernel, cache: Path) -> None:
    first = build_image(kernel, cache)
    (kernel.modules / "usbhid.ko").write_bytes(b"\x7fELF rebuilt")
    second = build_image(kernel, cache)
    assert second.digest != first.digest
    assert _extract(second.path, "lib/modules/6.1.0-test/usbhid.ko") == b"\x7fELF rebuilt"


def test_two_caches_get_equal_bytes(kernel: Kernel, tmp_path: Path, cache: Path) -> None:
    other = Path(shutil.copytree(cache, tmp_path / "other"))
    first, second = (build_image(kernel, directory) for directory in (cache, other))
    assert first.path.read_bytes() == second.path.read_bytes()


def test_firmware_goes_to_lib_firmware_and_changes_the_digest(kernel: Kernel, tmp_path: Path, cache: Path) -> None:
    firmware = tmp_path / "fw"
    (firmware / "ath9k_htc").mkdir(parents=True)
    (firmware / "ath9k_htc/htc_9271.fw").write_bytes(b"code")
    image = build_image(kernel, cache, firmware)
    assert _extract(image.path, "lib/firmware/ath9k_htc/htc_9271.fw") == b"code"
    assert image.digest != build_image(kernel, cache).digest


def test_cache_directories_are_private(kernel: Kernel, tmp_path: Path) -> None:
    image = build_image(kernel, tmp_path / "new/cache")
    for directory in (image.path.parent, tmp_path / "new/cache", tmp_path / "new"):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_damaged_module_leaves_no_image(kernel: Kernel, cache: Path) -> None:
    (kernel.modules / "usbhid.ko").write_bytes(b"")
    with pytest.raises(KernelError, match="usbhid"):
        build_image(kernel, cache)
    assert not list((cache / "images").iterdir())


def test_missing_firmware_is_named(kernel: Kernel, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        build_image(kernel, cache, tmp_path / "nowhere")


def test_a_missing_compiler_says_what_to_install(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(InfraError, match="install gcc"):
        build_image(kernel, tmp_path / "cache")


def test_a_missing_busybox_says_what_to_install(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfraError, match="busybox-static"):
        build_image(kernel, tmp_path / "cache")
