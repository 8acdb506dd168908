"""What a program says of itself, and what its exported symbols show."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guest.emulators import Emulator, Sight, check_emulator
from harness.guest.emulators.identify import built, identified, installed
from harness.guest.emulators.symbols import exported, sights
from tests.guest.wrapped import script
from usbfuzz.errors import EmulatorError, QemuError

from .programs import INLINE, MEMORY, REGISTERS, program


@pytest.mark.parametrize(
    ("symbols", "seen"),
    [
        ((), set()),
        ((INLINE,), {Sight.COVERAGE}),
        ((f"{INLINE}_per_vcpu", *REGISTERS), {Sight.COVERAGE, Sight.REGISTERS}),
        ((f"{INLINE}_per_vcpu", *REGISTERS, MEMORY), set(Sight)),
        (REGISTERS[:1], set()),
    ],
    ids=["none", "7.2", "9.0", "10.0", "half"],
)
def test_what_a_qemu_sees_is_told_by_the_functions_it_exports(
    tmp_path: Path, symbols: tuple[str, ...], seen: set[Sight]
) -> None:
    assert sights(program(tmp_path / "p", *symbols)) == seen


def test_a_function_that_is_only_called_is_not_exported(tmp_path: Path) -> None:
    names = exported(program(tmp_path / "p", INLINE).read_bytes())
    assert INLINE.encode() in names
    assert b"__libc_start_main" not in names


def test_a_program_cut_anywhere_or_changed_anywhere_is_no_traceback(tmp_path: Path) -> None:
    whole = program(tmp_path / "p", INLINE, *REGISTERS).read_bytes()
    path = tmp_path / "broken"
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        sights(path)
    for at in range(64):
        path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        sights(path)


def test_a_script_and_a_missing_file_show_nothing(tmp_path: Path) -> None:
    assert sights(Path(script(tmp_path / "qemu", "exit 0"))) == frozenset()
    assert sights(tmp_path / "nowhere") == frozenset()


def test_a_missing_qemu_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QemuError, match="qemu-system-x86_64: not found on PATH; install Debian's qemu-system-x86"):
        installed()


def test_a_qemu_without_usb_redir_is_refused_by_name(tmp_path: Path) -> None:
    qemu = script(tmp_path / "qemu", 'case "$2" in usb-redir,*) exit 1; esac')
    with pytest.raises(QemuError, match="built without usb-redir"):
        check_emulator(Emulator(qemu))


def test_a_qemu_that_dies_of_a_signal_is_not_said_to_lack_a_device(tmp_path: Path) -> None:
    with pytest.raises(QemuError, match="does not run: exit status -6"):
        check_emulator(Emulator(script(tmp_path / "qemu", "kill -ABRT $$")))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("exit 3", "does not run: exit status 3"),
        ("echo no such library >&2; exit 127", "does not run: no such library"),
        ("echo GNU ls 9.1", "is no QEMU: it answers --version with 'GNU ls 9.1'"),
        ("exit 0", "is no QEMU: it answers --version with ''"),
    ],
)
def test_a_program_that_is_no_qemu_is_said_to_be_so(tmp_path: Path, body: str, why: str) -> None:
    with pytest.raises(QemuError, match=f"qemu: {why}"):
        identified(Emulator(script(tmp_path / "qemu", body)))


@pytest.mark.parametrize("place", ["qemu-system-x86_64", "build/qemu-system-x86_64", "bin/qemu-system-x86_64"])
def test_a_build_tree_or_a_prefix_is_as_good_as_its_program(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    script(path, "echo QEMU emulator version 11.0.50 '(v10.2.0-1-gabc)'")
    found = built(tmp_path)
    assert found == built(path)
    assert (found.name, found.number) == (str(path), "11.0.50")


def test_a_directory_without_a_qemu_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="holds no qemu-system-x86_64, nor do its directories build and bin"):
        built(tmp_path)


def test_a_fetched_qemu_gets_its_places_and_no_other_process_does() -> None:
    tree = Path("/c/tree")
    plain = Emulator("/c/tree/qemu", firmware=(tree / "fw",), modules=tree / "mod")
    assert plain.command("-S") == ["env", "QEMU_MODULE_DIR=/c/tree/mod", "/c/tree/qemu", "-L", "/c/tree/fw", "-S"]
    lacking = Emulator("/q", libraries=(tree / "a", tree / "b"))
    assert lacking.launcher == ("env", "LD_LIBRARY_PATH=/c/tree/a:/c/tree/b")
    newer = Emulator("/q", libraries=(tree / "a",), loader=tree / "ld.so")
    assert newer.launcher == ("/c/tree/ld.so", "--library-path", "/c/tree/a")
    assert Emulator("/q").command() == ["/q"]


def test_a_qemu_may_have_an_environment_of_its_own() -> None:
    assert Emulator("/q", environment=("A=1", "B=2")).launcher == ("env", "A=1", "B=2")
