"""What was reached of that which is aimed at: in figures, as a table, on the page, at the end of a campaign."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from click.testing import CliRunner

from harness.guest.kernels import Kernel
from harness.guest.kernels.objects import KernelObjects
from tests.page.made import campaign
from usbfuzz.cli import cli
from usbfuzz.coverage import Block, Blocks, write_blocks
from usbfuzz.jobs.aim import Reach, Wanted, aim_at, reach
from usbfuzz.jobs.campaign.facts import other_aim
from usbfuzz.jobs.page.foot import foot
from usbfuzz.jobs.page.read import read_account

from .kernels import kernel_of

_MIDI = "snd_usbmidi_lib"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """Its files are not to be changed."""
    return kernel_of(tmp_path_factory.mktemp("kernel"))


@pytest.fixture
def blocks(kernel: Kernel, tmp_path: Path) -> Blocks:
    """One function was executed whole, in two blocks, one of another module from its middle on."""
    objects = KernelObjects.of(kernel, tmp_path)
    (clock,) = (it for it in objects.functions("snd_usb_audio") if it.name == "find_clock")
    (midi,) = objects.functions(_MIDI)
    return Blocks.of(
        kernel.name,
        kernel.release,
        [
            Block("snd_usb_audio", ".text", clock.offset, 4, 9, "speaker"),
            Block("snd_usb_audio", ".text", clock.offset + 4, clock.size - 4, 9, "speaker"),
            Block(_MIDI, ".text", midi.offset + 2, midi.size - 2, 1, ""),
        ],
    )


def _reach(kernel: Kernel, blocks: Blocks, tmp_path: Path, *files: str) -> Reach:
    aim = aim_at(kernel, Wanted(files=files), tmp_path, lambda _: None)
    assert aim is not None
    return reach(aim, blocks, KernelObjects.of(kernel, tmp_path))


def test_functions_of_a_file_that_were_not_reached_are_named(kernel: Kernel, blocks: Blocks, tmp_path: Path) -> None:
    found = _reach(kernel, blocks, tmp_path, "sound/usb/clock.c")
    assert [aimed.function.name for aimed in found.never] == ["set_rate"]
    assert str(found).startswith(
        "aimed at 2 functions of 1 module (sound/usb/clock.c): 1 of 2 (50 %) reached, 2 blocks, "
    )
    assert list(found.never_reached(10)) == ["snd_usb_audio: set_rate"]


def test_many_functions_that_were_not_reached_are_counted(kernel: Kernel, blocks: Blocks, tmp_path: Path) -> None:
    found = _reach(kernel, blocks, tmp_path, "sound", "drivers")
    sizes = [aimed.function.size for aimed in found.never]
    *lines, last = found.never_reached(2)
    assert last == f"and {len(sizes) - 2} more"
    shown = [name for line in lines for name in line.partition(": ")[2].split(", ")]
    assert (
        sorted(aimed.function.size for aimed in found.never if aimed.function.name in shown)[-2:] == sorted(sizes)[-2:]
    )


def test_coverage_shows_only_what_is_asked_for(
    kernel: Kernel, blocks: Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USBFUZZ_CACHE", str(tmp_path / "cache"))
    write_blocks(tmp_path / "blocks.tsv", blocks)
    words = ["coverage", str(tmp_path / "blocks.tsv"), "--file", "sound/usb/midi.c"]
    output = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).output
    rows = [line for line in output.splitlines() if "│" in line]
    assert [("✓" in row, "snd_ua101" in row) for row in rows] == [(False, True), (True, False)]
    assert "aimed at 2 functions of 2 modules" in output
    output = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False, standalone_mode=False).output
    aim = json.loads(output[output.index("{") :])["aim"]
    assert aim["at"] == "sound/usb/midi.c"
    assert [function["covered"] > 0 for function in aim["functions"]] == [False, True]


def test_the_options_that_are_shown_mean_the_same_again() -> None:
    wanted = Wanted(("em", "a b"), ("sound/usb",), "debian:6.1.190")
    assert wanted.as_options == "--driver em --driver 'a b' --file sound/usb --since debian:6.1.190"
    assert str(wanted) == "em, a b, sound/usb, changed since debian:6.1.190"


def test_a_campaign_that_goes_on_with_another_aim_says_so() -> None:
    none, clock, since = {"aim": None}, {"aim": {"at": "clock.c"}}, {"aim": {"at": "changed since 6.1"}}
    assert other_aim({}, clock) == ""
    assert other_aim(clock, clock) == other_aim(none, none) == other_aim({"options": {}}, none) == ""
    assert other_aim(clock, since) == "goes on aimed at changed since 6.1; the run before was aimed at clock.c"
    assert other_aim(none, clock) == "goes on aimed at clock.c; the run before was aimed at nothing in particular"


def test_a_page_says_what_was_aimed_at(tmp_path: Path) -> None:
    campaign(tmp_path)
    account = read_account(tmp_path).account
    (course,) = account.courses
    aim = {"at": "changed since <6.1>", "functions": 20, "of_modules": 3, "drivers": ["asix", "wacom"]}
    for facts, words in (
        ({"aim": aim}, "changed since <6.1>: 20 functions of 3 modules, by devices for asix, wacom"),
        ({"aim": {"drivers": 7}}, "None: None functions of None modules, by devices for no driver"),
    ):
        run = evolve(course.runs[-1], facts=facts)
        body = ET.Element("body")
        foot(body, evolve(account, courses=(evolve(course, runs=(run,)),)))
        assert words in [row.text for row in body.iter("dd")]
