"""Kernels from a signed archive, through the real apt, dpkg-deb and depmod."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.guest.kernels import Kernel, ModuleIndex, debug, default_cache, installed, remove, resolve
from harness.guest.kernels.debug import debug_information
from harness.guest.kernels.source import kernel_source
from usbfuzz.errors import KernelError

from .bound import bound_by_usb
from .signed_archive import FakeArchive, Key, bzimage, module_files, signing_key

Resolve = Callable[..., Kernel]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Key, Key]]:
    """The archive's key, and one that is not trusted."""
    base = tmp_path_factory.mktemp("keys")
    with signing_key(base / "a") as trusted, signing_key(base / "b") as stranger:
        yield trusted, stranger


@pytest.fixture
def archive(tmp_path: Path, keys: tuple[Key, Key]) -> FakeArchive:
    made = FakeArchive(tmp_path / "archive", keys[0])
    made.prepare()
    made.kernel("bookworm", "6.1.10-1", "6.1.0-1-amd64")
    made.publish("bookworm")
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def get(archive: FakeArchive, cache: Path) -> Resolve:
    def get(spec: str, *, refresh: bool = False) -> Kernel:
        return resolve(spec, cache, refresh=refresh, apt_files=archive.apt_files)

    return get


def test_a_suite_gives_its_stock_kernel_with_indexed_modules(get: Resolve) -> None:
    kernel = get("debian:bookworm")
    assert (kernel.name, kernel.release) == ("debian:6.1.10-1", "6.1.0-1-amd64")
    assert kernel.vmlinuz.read_bytes() == bzimage("6.1.0-1-amd64")
    index = ModuleIndex.read(kernel.modules)
    assert bound_by_usb(kernel) == {"usbhid"}
    assert index.builtin == {"ext4"}
    assert index.paths["usbhid"].is_file()


def test_a_suite_means_its_metapackage_not_a_newer_series_beside_it(archive: FakeArchive, get: Resolve) -> None:
    release = "6.12.7+deb12-amd64"
    files = {f"boot/vmlinuz-{release}": bzimage(release), **module_files(f"lib/modules/{release}")}
    archive.package("bookworm", f"linux-image-{release}", "6.12.7-1~deb12u1", files, "kmod")
    archive.publish("bookworm")
    assert get("debian:bookworm").name == "debian:6.1.10-1"
    assert get("debian:6.12").name == "debian:6.12.7-1~deb12u1"


def test_split_packages_are_put_together(archive: FakeArchive, get: Resolve) -> None:
    version, release = "7.3.4-1", "7.3.4+deb14-amd64"
    modules = f"usr/lib/modules/{release}"
    files = module_files(modules)
    base = {path: files.pop(path) for path in (f"{modules}/modules.builtin", f"{modules}/modules.order")}
    names = [f"linux-{part}-{release}" for part in ("base", "binary", "modules")]
    depends = ", ".join(["dracut | initramfs-tools", *(f"{name} (= {version})" for name in names)])
    archive.package("sid", f"linux-image-{release}", version, {}, depends)
    archive.package("sid", names[0], version, base)
    archive.package("sid", names[1], version, {f"{modules}/vmlinuz": bzimage(release)}, f"{names[0]} (= {version})")
    archive.package("sid", names[2], version, files, f"kmod, {names[0]} (= {version})")
    archive.publish("sid")
    kernel = get("debian:7.3")
    assert (kernel.name, kernel.release) == ("debian:7.3.4-1", release)
    assert not (kernel.modules / "vmlinuz").exists()
    assert bound_by_usb(kernel) == {"usbhid"}


def test_a_kernel_whose_parts_left_the_archive_is_named_with_them(archive: FakeArchive, get: Resolve) -> None:
    release = "7.0.1+deb14-amd64"
    archive.package("sid", f"linux-image-{release}", "7.0.1-1", {}, f"linux-modules-{release} (= 7.0.1-1)")
    archive.publish("sid")
    with pytest.raises(KernelError, match=r"sid still lists debian:7\.0\.1-1, but .*linux-modules-7\.0\.1.* are gone"):
        get("debian:7.0.1")


@pytest.mark.parametrize("again", ["debian:bookworm", "debian:6.1.10", "debian:6.1.10-1", "debian:6.1.0-1"])
def test_what_is_in_the_cache_needs_no_mirror(archive: FakeArchive, get: Resolve, again: str) -> None:
    first = get("debian:bookworm")
    shutil.rmtree(archive.mirror)
    assert get(again) == first


def test_a_suite_keeps_its_answer_until_refreshed(archive: FakeArchive, get: Resolve) -> None:
    get("debian:bookworm")
    archive.kernel("bookworm", "6.1.20-1", "6.1.0-2-amd64")
    archive.publish("bookworm")
    assert get("debian:bookworm").name == "debian:6.1.10-1"
    assert get("debian:bookworm", refresh=True).name == "debian:6.1.20-1"
    assert get("debian:bookworm").name == "debian:6.1.20-1"


def test_an_expired_release_is_accepted_because_old_suites_are_not_signed_again(
    archive: FakeArchive, get: Resolve
) -> None:
    archive.publish("bookworm", valid_until="Valid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n")
    assert get("debian:bookworm").name == "debian:6.1.10-1"


def test_a_suite_signed_by_a_stranger_is_refused(
    archive: FakeArchive, get: Resolve, keys: tuple[Key, Key], cache: Path
) -> None:
    archive.publish("bookworm", key=keys[1])
    with pytest.raises(KernelError, match="signed with a key this machine does not trust"):
        get("debian:bookworm")
    assert installed(cache) == []


def test_a_suite_changed_after_signing_is_refused(archive: FakeArchive, get: Resolve) -> None:
    path = archive.mirror / "dists/bookworm/InRelease"
    path.write_text(path.read_text().replace("Origin: Debian", "Origin: Someone"))
    with pytest.raises(
        KernelError, match=r"bookworm from file:.*its signature does not verify, so nothing of it is used"
    ):
        get("debian:bookworm")


def test_a_refused_update_is_not_papered_over_by_the_lists_of_an_earlier_one(
    archive: FakeArchive, get: Resolve, keys: tuple[Key, Key]
) -> None:
    get("debian:bookworm")
    archive.kernel("bookworm", "6.1.20-1", "6.1.0-2-amd64")
    archive.publish("bookworm", key=keys[1])
    with pytest.raises(KernelError, match="with a key this machine does not trust"):
        get("debian:bookworm", refresh=True)


def test_a_package_changed_after_signing_is_refused(archive: FakeArchive, get: Resolve, cache: Path) -> None:
    deb = archive.mirror / "pool/linux-image-6.1.0-1-amd64_6.1.10-1_amd64.deb"
    deb.write_bytes(deb.read_bytes().replace(b"HdrS", b"hDRs"))
    with pytest.raises(KernelError, match="apt-get failed"):
        get("debian:bookworm")
    assert installed(cache) == []


def test_without_archive_keys_the_message_names_their_package(archive: FakeArchive, get: Resolve) -> None:
    (archive.apt_files.keyrings / "debian-archive-test.gpg").unlink()
    with pytest.raises(KernelError, match="install the package debian-archive-keyring"):
        get("debian:bookworm")


def test_a_suite_the_mirror_lacks_is_said_so(get: Resolve) -> None:
    with pytest.raises(KernelError, match="has no suite bullseye-backports"):
        get("debian:bullseye-backports")


def test_an_unknown_version_lists_what_there_is(get: Resolve) -> None:
    with pytest.raises(KernelError, match=r"debian:6\.1\.99: no mirror has it; there is 6\.1\.10-1"):
        get("debian:6.1.99")


def test_an_image_that_is_another_kernel_than_its_package_says_is_refused(archive: FakeArchive, get: Resolve) -> None:
    release = "6.5.0-9-amd64"
    files = {f"boot/vmlinuz-{release}": bzimage("6.6.6"), **module_files(f"lib/modules/{release}")}
    archive.package("bookworm", f"linux-image-{release}", "6.5.9-1", files, "kmod")
    archive.publish("bookworm")
    with pytest.raises(KernelError, match=r"its image says it is 6\.6\.6"):
        get("debian:6.5.9")


def test_a_kernel_without_its_list_of_builtin_modules_is_not_kept(
    archive: FakeArchive, get: Resolve, cache: Path
) -> None:
    release = "6.5.0-9-amd64"
    files = {f"boot/vmlinuz-{release}": bzimage(release), **module_files(f"lib/modules/{release}")}
    del files[f"lib/modules/{release}/modules.builtin"]
    archive.package("bookworm", f"linux-image-{release}", "6.5.9-1", files, "kmod")
    archive.publish("bookworm")
    with pytest.raises(KernelError, match=r"modules\.builtin: No such file"):
        get("debian:6.5.9")
    assert installed(cache) == []


@pytest.mark.parametrize("damage", ["vmlinuz", "lib/modules/6.1.0-1-amd64/kernel/fs/fat/fat.ko"])
def test_a_damaged_entry_is_fetched_again(get: Resolve, cache: Path, damage: str) -> None:
    kernel = get("debian:bookworm")
    (cache / "kernels" / "debian_6.1.10-1" / damage).write_bytes(b"cut")
    assert installed(cache) == []
    assert get("debian:bookworm") == kernel
    assert installed(cache) == [kernel]
    assert kernel.vmlinuz.read_bytes() == bzimage("6.1.0-1-amd64")


def test_a_removed_kernel_is_gone_and_asked_for_again(get: Resolve, cache: Path) -> None:
    kernel = get("debian:bookworm")
    remove("debian:6.1.10", cache)
    assert not kernel.vmlinuz.exists()
    assert installed(cache) == []
    with pytest.raises(KernelError, match=r"debian:6\.1\.10: not in"):
        remove("debian:6.1.10", cache)
    assert get("debian:bookworm") == kernel


def test_a_default_release_pinned_on_the_machine_does_not_hide_other_suites(
    archive: FakeArchive, get: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        'APT::Default-Release "trixie"; APT::Update::Post-Invoke { "touch %s"; };' % (tmp_path / "ran")
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    assert get("debian:bookworm").name == "debian:6.1.10-1"
    assert not (tmp_path / "ran").exists()


@pytest.mark.guest
def test_the_machines_own_mirrors_give_a_real_kernel() -> None:
    kernel = resolve("debian:bookworm", default_cache())
    assert kernel.release.startswith("6.1.")
    assert "usbhid" in bound_by_usb(kernel)


def test_debug_information_is_vmlinux_and_the_modules_asked_for(
    archive: FakeArchive, get: Resolve, cache: Path
) -> None:
    release = "6.1.0-1-amd64"
    below = f"usr/lib/debug/lib/modules/{release}/kernel/drivers"
    files = {
        f"usr/lib/debug/boot/vmlinux-{release}": b"\x7fELF kernel",
        f"{below}/usb-serial.ko": b"\x7fELF wanted",
        f"{below}/ext4.ko": b"\x7fELF not wanted",
    }
    archive.package("bookworm", f"linux-image-{release}-dbg", "6.1.10-1", files)
    archive.publish("bookworm")
    kernel = get("debian:bookworm")
    for _ in range(2):
        directory = debug_information(kernel, ["usb_serial"], cache, apt_files=archive.apt_files)
        assert {path.name for path in directory.iterdir()} == {f"vmlinux-{release}", "usb-serial.ko"}
        assert (directory / "usb-serial.ko").read_bytes() == b"\x7fELF wanted"
    remove("debian:6.1.10-1", cache)
    assert not directory.exists()


def test_a_kernel_whose_archive_has_no_debug_information_says_so(
    archive: FakeArchive, get: Resolve, cache: Path
) -> None:
    with pytest.raises(KernelError, match=r"linux-image-6\.1\.0-1-amd64-dbg"):
        debug_information(get("debian:bookworm"), [], cache, apt_files=archive.apt_files)
    assert not (cache / "debug").exists() or not list((cache / "debug").iterdir())


def _tarball(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tree:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tree.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_the_source_is_the_code_of_the_kernels_architecture_and_who_looks_after_it(
    archive: FakeArchive, get: Resolve, cache: Path
) -> None:
    top = "linux-source-6.1"
    wanted = ("drivers/usb/core/hub.c", "include/linux/usb.h", "arch/x86/kernel/traps.c", "lib/memcpy.S", "MAINTAINERS")
    others = (
        "arch/arm/kernel/traps.c",
        "tools/perf/perf.c",
        "lib/MAINTAINERS",
        "drivers/usb/core/.x.c",
        "../../evil.c",
    )
    tarball = _tarball({f"{top}/{name}": name.encode() for name in (*wanted, *others)})
    archive.package("bookworm", top, "6.1.10-1", {f"usr/src/{top}.tar.xz": tarball})
    archive.publish("bookworm")
    kernel = get("debian:bookworm")
    for _ in range(2):
        directory = kernel_source(kernel, cache, apt_files=archive.apt_files)
        kept = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        assert set(kept) == set(wanted)
        assert kept["include/linux/usb.h"].read_text() == "include/linux/usb.h"
    assert not list(cache.rglob("evil.c"))
    remove("debian:6.1.10-1", cache)
    assert not directory.exists()


def test_a_package_without_source_says_so(archive: FakeArchive, get: Resolve, cache: Path) -> None:
    archive.package("bookworm", "linux-source-6.1", "6.1.10-1", {"usr/share/doc/README": b"moved"})
    archive.publish("bookworm")
    with pytest.raises(KernelError, match=r"linux-source-6\.1_6\.1\.10-1_amd64\.deb: holds no source of a kernel"):
        kernel_source(get("debian:bookworm"), cache, apt_files=archive.apt_files)


def test_a_tree_needs_no_package_of_its_source(tmp_path: Path, cache: Path) -> None:
    tree = Kernel("tree:/src/linux", "6.1.0", tmp_path, tmp_path, "")
    with pytest.raises(
        KernelError, match=r"^tree:/src/linux: only a distribution's kernel has a package of its source"
    ):
        kernel_source(tree, cache)


def test_a_package_of_debug_information_that_cannot_be_unpacked_is_a_kernel_error(tmp_path: Path) -> None:
    package = tmp_path / "linux-image-dbg.deb"
    package.write_bytes(b"!<arch>\ncut")
    with pytest.raises(KernelError, match=r"linux-image-dbg\.deb: cannot be unpacked"):
        debug._unpack((), package, tmp_path)
