"""``usbfuzz export``: where it writes, and what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests import DEVICES, KNOWN_BUGS
from usbfuzz.cli import cli, main
from usbfuzz.errors import CaseError, InputError
from usbfuzz.export import FORMATS
from usbfuzz.load import load_device

MOUSE = str(DEVICES / "boot-mouse.toml")
USED = KNOWN_BUGS / "usbtv-unplug-hang.toml"  #: runs a program while its device is unplugged
OWN = """
from usbfuzz.device import Device, Reply, build, control_in
from usbfuzz.wire import Setup

class Meter(Device):
    device = build.device(idVendor=0x1209, idProduct=1)

    @control_in(bRequest=7)
    def measure(self, _setup: Setup) -> Reply:
        return bytes((7,))
"""
TWO = """
format = 1
[[device]]
name = "a"
device = "12 01"
[[device]]
name = "a"
device = "12 02"
"""


def _run(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error; raises what the command line would explain."""
    done = CliRunner().invoke(cli, ["export", *arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout, done.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_one_device_goes_to_a_file_a_directory_or_standard_output(form: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "mouse"
    _run(MOUSE, "--as", form, "-o", str(target))
    _run(MOUSE, "--as", form, "-o", str(tmp_path))
    done = CliRunner().invoke(cli, ["export", MOUSE, "--as", form], standalone_mode=False)
    assert target.read_bytes() == (tmp_path / f"boot-mouse{FORMATS[form].suffix}").read_bytes() == done.stdout_bytes


def test_several_devices_go_to_a_directory_of_their_own_or_one_is_chosen(tmp_path: Path) -> None:
    case = tmp_path / "two.toml"
    case.write_text(TWO)
    _run(str(case), "--as", "python", "-o", str(tmp_path / "all"))
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a-2.py", "a.py"]
    assert b"12 02" in CliRunner().invoke(cli, ["export", str(case), "--as", "python", "--device", "1"]).stdout_bytes
    with pytest.raises(InputError, match=r"has 2 devices; choose one with --device N, or give a directory with -o$"):
        _run(str(case), "--as", "python")
    with pytest.raises(InputError, match=r"two.toml: there is no device 2; there are 2, counted from 0$"):
        _run(str(case), "--as", "python", "--device", "2")


def test_a_file_that_exists_is_kept_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "mouse.py"
    target.write_text("mine")
    with pytest.raises(InputError, match=r"mouse.py: exists already; give --force to overwrite it, or another -o$"):
        _run(MOUSE, "--as", "python", "-o", str(target))
    assert target.read_text() == "mine"
    _run(MOUSE, "--as", "python", "-o", str(target), "--force")
    assert load_device(str(target)).make().device == load_device(MOUSE).make().device


def test_what_is_lost_is_one_line_on_standard_error(tmp_path: Path) -> None:
    _, said = _run(MOUSE, "--as", "pcapng", "-o", str(tmp_path / "x"))
    assert said == "usbfuzz: boot-mouse: not in pcapng: the speed (high, taken for full)\n"
    own = tmp_path / "meter.py"
    own.write_text(OWN)
    _, said = _run(str(own), "--as", "python")
    assert said == "usbfuzz: Meter: not in python: what the class computes (measure)\n"


def test_a_case_that_names_a_model_gives_its_data_sheet(tmp_path: Path) -> None:
    case = tmp_path / "case.toml"
    case.write_text('format = 1\n[[device]]\nname = "mine"\nmodel = "mouse"\n')
    written, said = _run(str(case), "--as", "lsusb")
    assert "iProduct                2 Mouse" in written
    assert said == "usbfuzz: mine: not in lsusb: what the class computes (report)\n"


def test_the_programs_of_a_case_are_a_c_program_that_compiles_and_says_when_no_device_came(tmp_path: Path) -> None:
    source, program = tmp_path / "use.c", tmp_path / "use"
    _, said = _run(str(USED), "--as", "use", "-o", str(tmp_path))
    assert said == ""
    assert subprocess.run(["cc", "-Wall", "-Werror", "-pthread", "-o", program, source], check=True).returncode == 0
    done = subprocess.run([program, "0"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (3, "program 0 on port 0: no device came")
    written, _ = _run(str(USED), "--as", "use")
    assert written == source.read_text()
    with pytest.raises(InputError, match=r"use.c: exists already"):
        _run(str(USED), "--as", "use", "-o", str(source))


def test_of_moments_that_only_the_device_sees_the_c_program_is_said_to_know_nothing(tmp_path: Path) -> None:
    case = tmp_path / "case.toml"
    events = '[[event]]\naction = "plug"\ndevice = 0\n[[event]]\naction = "use"\nuse = 0\nafter_requests = 9\n'
    case.write_text(f'format = 1\n[[device]]\nname = "a"\ndevice = "12 01"\n[[use]]\nprogram = "sleep(1)"\n{events}')
    _, said = _run(str(case), "--as", "use", "-o", str(tmp_path / "use.c"))
    lost = "moments after so many requests or packets (its device's coming instead)"
    assert said == f"usbfuzz: a: not in use: {lost}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((MOUSE,), "boot-mouse.toml: runs no programs"),
        (("mouse",), "mouse: is a device alone"),
        ((str(USED), "--device", "0"), "leave out --device"),
    ],
)
def test_what_has_no_programs_or_is_half_a_case_cannot_be_a_c_program(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _run(*words, "--as", "use")


@pytest.mark.parametrize("case", ["nosuch", "nosuch.toml"])
def test_a_device_that_is_not_there_is_said_as_for_plug(case: str) -> None:
    with pytest.raises((InputError, CaseError)):
        _run(case, "--as", "lsusb")


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(click.BadParameter, match="'pdf' is not one of 'python', 'facedancer', 'syz'"):
        _run(MOUSE, "--as", "pdf")


def test_a_directory_that_cannot_be_made_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file: cannot be made: File exists; give another -o$"):
        _run(MOUSE, "--as", "python", "-o", str(tmp_path / "file" / "mouse.py"))


def test_a_form_that_is_missing_is_asked_for_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["usbfuzz", "export", MOUSE])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.startswith("usbfuzz: Missing option '--as'. Choose from: python, facedancer")
    assert said.count("\n") == 1


def test_a_capture_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader), os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        with pytest.raises(InputError, match=r"^pcapng is not text for a terminal; give a file with -o$"):
            cli.main(["export", MOUSE, "--as", "pcapng"], standalone_mode=False)
