"""Kernel specs: the kernels they name, and the errors for wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels.archives import DEBIAN, UBUNTU
from harness.guest.kernels.features import slowdown_of
from harness.guest.kernels.packages import Candidate, candidates, is_exact, matches, newest, stock
from harness.guest.kernels.specs import (
    ArchiveSpec,
    BuiltSpec,
    DirectorySpec,
    HostSpec,
    ImageSpec,
    Spec,
    TreeSpec,
    parse_spec,
)
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import KernelError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("debian:bookworm-backports", ArchiveSpec(DEBIAN, "bookworm-backports")),
        ("debian:6.12.43-1~bpo12+1", ArchiveSpec(DEBIAN, "6.12.43-1~bpo12+1")),
        ("ubuntu:noble", ArchiveSpec(UBUNTU, "noble")),
        ("debian:6.12.118-1+kasan+kcov", BuiltSpec(ArchiveSpec(DEBIAN, "6.12.118-1"), ("kasan", "kcov"))),
        ("debian:6.12.43-1~bpo12+1+kasan", BuiltSpec(ArchiveSpec(DEBIAN, "6.12.43-1~bpo12+1"), ("kasan",))),
        ("debian:trixie+fault-injection", BuiltSpec(ArchiveSpec(DEBIAN, "trixie"), ("fault-injection",))),
        ("host", HostSpec()),
        ("tree:/src/linux", TreeSpec(Path("/src/linux"))),
        ("dir:/k", DirectorySpec(Path("/k"))),
        ("bzimage:/k/bzImage", ImageSpec(Path("/k/bzImage"), None)),
        ("bzimage:/k,1/bzImage,modules:/m", ImageSpec(Path("/k,1/bzImage"), Path("/m"))),
    ],
)
def test_each_form_is_understood_and_is_its_own_canonical_form(text: str, spec: Spec) -> None:
    assert parse_spec(text) == spec
    assert str(spec) == text


@pytest.mark.parametrize("text", ["debian:6.12+kcov+kasan", "debian:6.12+kasan+kcov+kasan"])
def test_the_features_of_a_built_kernel_have_one_order(text: str) -> None:
    assert str(parse_spec(text)) == "debian:6.12+kasan+kcov"


def test_a_built_kernel_may_name_its_architecture() -> None:
    spec = BuiltSpec(ArchiveSpec(DEBIAN, "6.12", evolve(DEFAULT, debian="pdp11")), ("kasan",))
    assert str(spec) == "debian:6.12+kasan/pdp11"
    assert parse_spec(f"debian:6.12+kasan/{DEFAULT.debian}") == BuiltSpec(ArchiveSpec(DEBIAN, "6.12"), ("kasan",))


def test_an_archive_kernel_may_name_its_architecture_and_drops_the_default_one() -> None:
    spec = parse_spec(f"debian:6.1/{DEFAULT.debian}")
    assert spec == ArchiveSpec(DEBIAN, "6.1")
    assert str(spec) == "debian:6.1"
    other = evolve(DEFAULT, debian="pdp11")
    assert str(ArchiveSpec(DEBIAN, "6.1", other)) == "debian:6.1/pdp11"


def test_a_bare_path_is_told_apart_by_what_is_there(tmp_path: Path) -> None:
    tree = tmp_path / "linux"
    image = tree / "arch/x86/boot/bzImage"
    image.parent.mkdir(parents=True)
    image.touch()
    assert parse_spec(str(tree)) == TreeSpec(tree)
    assert parse_spec(str(tmp_path)) == DirectorySpec(tmp_path)
    assert parse_spec(str(image)) == ImageSpec(image, None)


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_spec("tree:linux") == TreeSpec(tmp_path / "linux")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a kernel; give one of debian:VERSION-OR-SUITE"),
        ("6.1", "is not a kernel; give one of"),
        ("fedora:40", "is not a kernel; give one of"),
        ("tree:", "is not a kernel; give one of"),
        ("debian:", "takes a suite or a version, such as debian:bookworm"),
        ("debian:book worm", "takes a suite or a version"),
        ("debian:../../etc", "takes a suite or a version"),
        ("debian:bookworm/vax", "'vax' is not an architecture that guests can have; known: "),
        ("debian:-oDebug=1", "takes a suite or a version"),
        ("./no/such/kernel", "no such file or directory"),
    ],
)
def test_a_wrong_spec_is_answered_with_the_forms(text: str, message: str) -> None:
    with pytest.raises(KernelError, match=message.replace(".", r"\.")):
        parse_spec(text)


@pytest.mark.parametrize("wanted", ["5.10.223", "5.10.223-1", "5.10.0-32", "5.10.0-32-amd64", "5.10", "5"])
def test_a_version_names_a_kernel_by_any_of_its_numbers(wanted: str) -> None:
    assert matches(wanted, "5.10.223-1", "5.10.0-32-amd64")


@pytest.mark.parametrize("wanted", ["5.1", "5.10.22", "5.10.223-2", "5.10.0-3", "5.10.0", "10"])
def test_a_version_cut_elsewhere_than_at_a_dot_names_nothing(wanted: str) -> None:
    assert not matches(wanted, "5.10.223-1", "5.10.0-32-amd64")


@pytest.mark.parametrize(
    ("wanted", "exact"), [("5.10.223", True), ("5.10.0-32", True), ("7.3-rc7", True), ("6.1", False), ("6", False)]
)
def test_only_a_full_version_ends_a_search(wanted: str, exact: bool) -> None:
    assert is_exact(wanted) is exact


def paragraph(name: str, version: str = "6.1.10-1", depends: str = "") -> dict[str, str]:
    return {"package": name, "version": version, "depends": depends, "size": "1000"}


@pytest.mark.parametrize(
    "name",
    [
        "linux-image-6.1.0-1-rt-amd64",
        "linux-image-6.1.0-1-cloud-amd64",
        "linux-image-6.1.0-1-amd64-dbg",
        "linux-image-6.1.0-1-amd64-unsigned",
        "linux-image-amd64",
        "linux-headers-6.1.0-1-amd64",
    ],
)
def test_only_stock_images_are_candidates(name: str) -> None:
    assert candidates([paragraph(name)], DEBIAN, DEFAULT) == []


@pytest.mark.parametrize(
    "release",
    ["5.10.0-32-amd64", "6.1.0-0.deb11.52-amd64", "6.12.43+deb12-amd64", "6.12.90+deb12.1-amd64", "7.3-amd64"],
)
def test_every_release_style_debian_has_used_is_a_candidate(release: str) -> None:
    (found,) = candidates([paragraph(f"linux-image-{release}", depends="kmod")], DEBIAN, DEFAULT)
    assert found == Candidate(release, "6.1.10-1", ((f"linux-image-{release}", "6.1.10-1"),), (), 1000)


def test_a_metapackage_with_a_version_in_its_name_is_no_kernel() -> None:
    pointer = paragraph("linux-image-6.1-amd64", depends="linux-image-6.1.0-0.deb11.52-amd64 (= 6.1.10-1)")
    assert candidates([pointer], DEBIAN, DEFAULT) == []


def test_extra_modules_of_ubuntu_are_taken_along() -> None:
    release = "6.8.0-50-generic"
    image = paragraph(f"linux-image-{release}", depends=f"kmod, linux-modules-{release}")
    packages = [image, paragraph(f"linux-modules-{release}"), paragraph(f"linux-modules-extra-{release}")]
    (found,) = candidates(packages, UBUNTU, DEFAULT)
    assert [name for name, _ in found.packages] == [package["package"] for package in packages]
    assert found.size == 3000


def test_a_complete_kernel_is_preferred_to_a_newer_one_with_parts_missing() -> None:
    old = Candidate("6.1.0-1-amd64", "6.1.9-1", ())
    new = Candidate("6.1.0-2-amd64", "6.1.10-1", (), missing=("linux-modules-6.1.0-2-amd64",))
    assert newest([old, new]) == old
    assert newest([new]) == new
    assert newest([]) is None


def test_the_metapackage_decides_which_kernel_is_the_suites_own() -> None:
    meta = paragraph("linux-image-amd64", depends="linux-image-6.1.0-1-amd64 (= 6.1.10-1)")
    own, other = Candidate("6.1.0-1-amd64", "6.1.10-1", ()), Candidate("6.12.1+deb12-amd64", "6.12.1-1", ())
    assert stock([meta], DEBIAN.metapackage(DEFAULT), [own, other]) == [own]


@pytest.mark.parametrize(
    ("name", "slowdown"),
    [("debian:6.12.118-1", 1.0), ("debian:6.12.118-1+kcov", 1.5), ("debian:7.3.4-1~bpo13+1+kasan+kcov", 6.0)],
)
def test_a_kernel_that_looks_at_itself_is_given_more_time(name: str, slowdown: float) -> None:
    assert slowdown_of(name) == slowdown
