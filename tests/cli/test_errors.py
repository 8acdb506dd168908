"""Wrong input at the real entry point: one line on stderr that names the place, the right status, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import field, frozen

import usbfuzz.errors
from tests import ROOT
from usbfuzz.cli import cli, main
from usbfuzz.errors import BootError, CaseError, InfraError, QemuError, UsbfuzzError

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN_BUG = str(ROOT / "corpus" / "known-bugs" / "quatech2-bulk-null.toml")
MOUSE = str(ROOT / "corpus" / "devices" / "boot-mouse.toml")

NO_QEMU = ("qemu-system-x86_64: not found on PATH", "install Debian's qemu-system-x86", 4, {"PATH": ""})
FILES = {
    "broken.toml": "format = 1\n[[device]\n",
    "unknown.toml": Path(MOUSE).read_text().replace("[[event]]\n", "[[event]]\nspeed = 3\n", 1),
    "newer.toml": "format = 99\n",
    "notes.txt": "no case",
    "in-the-way": "",
}


@frozen
class Wrong:
    """Words on the command line, and the one line they bring: its beginning, a part of the rest, the exit status."""

    words: tuple[str, ...]
    start: str
    rest: str = ""
    status: int = 2
    environment: Mapping[str, str] = field(factory=dict)


WRONG = {
    "a case that is not there": Wrong(("replay", "missing.toml"), "missing.toml: ", "No such file"),
    "a device that is not there": Wrong(("plug", "missing.toml"), "missing.toml: ", "No such file"),
    "broken TOML": Wrong(("replay", "broken.toml"), "broken.toml:2: not valid TOML"),
    "an unknown key": Wrong(("replay", "unknown.toml"), "unknown.toml:", "speed"),
    "a format of the future": Wrong(("replay", "newer.toml"), "newer.toml:1: format:", "99"),
    "a file that is no case": Wrong(("replay", "notes.txt"), "notes.txt: is not a .toml file"),
    "a directory without a case": Wrong(("replay", "."), ".: the directory holds no case.toml"),
    "no case at all": Wrong(("replay",), "Missing argument 'CASE'", "usbfuzz replay --help"),
    "a kernel spec of no known form": Wrong(("kernel", "add", "bogus:1"), "'bogus:1' is not a kernel; give one of"),
    "one kernel of several that is none": Wrong(("kernel", "add", "bogus:2", "bogus:1"), "'bogus:2' is not a kernel"),
    "a bzImage that is not there": Wrong(("kernel", "add", "bzimage:/missing"), "", "/missing"),
    "a kernel to remove that is not kept": Wrong(("kernel", "rm", "debian:1.2.3"), "debian:1.2.3: not in"),
    "an emulator of no known form": Wrong(("emulator", "add", "qemu9"), "'qemu9' is not an emulator; give one of"),
    "an emulator by its version": Wrong(("emulator", "add", "debian:9.1"), "debian:9.1: not kept here", "by its suite"),
    "a program that is no QEMU": Wrong(("emulator", "use", "/bin/echo"), "/bin/echo: is no QEMU", "--version"),
    "an emulator to remove that is not kept": Wrong(("emulator", "rm", "debian:sid"), "debian:sid: not kept here"),
    "an emulator chosen by the environment that is not there": Wrong(
        ("plug", MOUSE), "/no/qemu: no such file", "build tree", environment={"USBFUZZ_EMULATOR": "/no/qemu"}
    ),
    "an unknown option": Wrong(("fuzz", "--bogus"), "No such option '--bogus'", "usbfuzz fuzz --help"),
    "an unknown command": Wrong(("fuz",), "No such command 'fuz'", "usbfuzz --help"),
    "an unknown mode": Wrong(("fuzz", "--mode", "fast"), "Invalid value for '--mode'", "'warp'"),
    "a time that is none": Wrong(("fuzz", "--time", "bananas"), "'bananas': not a duration; write it like 90s"),
    "no lanes": Wrong(("fuzz", "--lanes", "0"), "Invalid value for '-l' / '--lanes'"),
    "a file where the crashes should go": Wrong(("fuzz", "--out", "in-the-way"), "Invalid value for '-o'", "is a file"),
    "a log that is not there": Wrong(("triage", "missing.log"), "Invalid value for 'LOG...'", "missing.log"),
    "a log that is a directory": Wrong(("triage", "."), "Invalid value for 'LOG...'", "directory"),
    "a crash to mail that is not there": Wrong(("crashes", "mail", "WARNING-in-x", "."), "WARNING-in-x: no such crash"),
    "no crash to look for": Wrong(("bisect", MOUSE), f"{MOUSE}: records no crash to look for", "--any"),
    "one kernel to search among": Wrong(
        ("bisect", KNOWN_BUG, "-k", "debian:6.1"), "debian:6.1: there is nothing between"
    ),
    "no kernel to search among": Wrong(("bisect", KNOWN_BUG, "--cached"), "no kernel: there is nothing between"),
    "a tree for git that is none": Wrong(("bisect-step", KNOWN_BUG, "."), "", "no kernel tree", 130),
    "a tree for git that is not there": Wrong(
        ("bisect-step", KNOWN_BUG, "missing"), "", "missing: no such directory", 130
    ),
    "a case for git that is not there": Wrong(
        ("bisect-step", "missing.toml", "."), "missing.toml: ", "No such file", 130
    ),
    "no tree for git": Wrong(("bisect-step", KNOWN_BUG), "Missing argument 'TREE'", status=130),
    "zero replays": Wrong(("replay", KNOWN_BUG, "--times", "0"), "Invalid value for '-n' / '--times'"),
    "no QEMU to replay on": Wrong(
        ("replay", KNOWN_BUG), "qemu-system-x86_64: not found", "qemu-system-x86", 4, {"PATH": ""}
    ),
    "no QEMU to plug into": Wrong(("plug", MOUSE), *NO_QEMU),
    "no QEMU for a shell": Wrong(("shell",), *NO_QEMU),
    "no QEMU to fuzz on": Wrong(("fuzz",), *NO_QEMU),
    "no QEMU to measure": Wrong(("bench",), *NO_QEMU),
    "a file where the cache should go": Wrong(
        ("kernel", "list"), "in-the-way: File exists", "set USBFUZZ_CACHE", 4, {"USBFUZZ_CACHE": "in-the-way"}
    ),
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Holds the files that are wrong."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_wrong_input_is_one_line_and_a_status(
    wrong: Wrong, directory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "argv", ["usbfuzz", *wrong.words])
    for name, value in {"USBFUZZ_CACHE": str(directory / "cache"), **wrong.environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    _check(wrong, ended.value.code, out, err)


@pytest.mark.parametrize("name", ["an unknown key", "no case at all", "no QEMU to fuzz on"])
def test_wrong_input_is_one_line_and_a_status_of_the_process(name: str, directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "usbfuzz", *WRONG[name].words],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "USBFUZZ_CACHE": str(directory / "cache"),
            **WRONG[name].environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    _check(WRONG[name], done.returncode, done.stdout, done.stderr)


def _check(wrong: Wrong, status: object, out: str, err: str) -> None:
    assert err.startswith(f"usbfuzz: {wrong.start}")
    assert wrong.rest in err
    assert err.count("\n") == 1
    assert out == ""
    assert status == wrong.status


def _fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The exit status when a command ends with this error."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(("error", "status"), [(CaseError, 2), (BootError, 3), (QemuError, 4), (InfraError, 4)])
def test_each_kind_of_error_has_its_status(
    error: type[UsbfuzzError], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fail(monkeypatch, error("what, where, and what to do")) == status
    assert capsys.readouterr().err == "usbfuzz: what, where, and what to do\n"


def test_the_first_of_a_group_of_errors_speaks_for_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("tasks", [BootError("the kernel panicked"), QemuError("the channel is closed")])
    assert _fail(monkeypatch, ExceptionGroup("more tasks", [inner])) == BootError.exit_code
    assert capsys.readouterr().err == "usbfuzz: the kernel panicked\n"


def test_a_full_disk_is_this_machine_failing_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fail(monkeypatch, OSError(28, "No space left on device", "/crashes/x")) == InfraError.exit_code
    assert capsys.readouterr().err == "usbfuzz: /crashes/x: No space left on device\n"


def test_a_bug_of_ours_shows_its_traceback_and_never_looks_like_an_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fail(monkeypatch, ZeroDivisionError("a bug")) == InfraError.exit_code
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("usbfuzz: this is a bug in usbfuzz")


def test_an_interrupted_command_ends_as_shells_expect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fail(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "usbfuzz: interrupted\n"


def test_every_error_has_an_exit_status_that_the_manual_lists() -> None:
    kinds = [getattr(usbfuzz.errors, name) for name in usbfuzz.errors.__all__ if name != "first_of"]
    assert {kind.exit_code for kind in kinds} == {2, 3, 4}
    assert UsbfuzzError.exit_code == InfraError.exit_code
