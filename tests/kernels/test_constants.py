"""Numbers that a driver's code compares with, mined from its module."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.guest.kernels.constants import Constants, constants_in
from harness.guest.kernels.elf import ElfFile
from strategies import CLASS_DRIVERS, generate
from strategies.dice import Dice
from strategies.identities import Identities
from strategies.mutate import havoc_case
from usbfuzz.arch import DEFAULT

_SOURCE = """
int probe(const unsigned char *answer, int length)
{
	if (length == 0x4321)
		return 2;
	if (answer[0] == 0x5a && *(const unsigned short *)(answer + 2) == 0xbeef)
		return 3;
	switch (answer[1]) {
	case 0x71: return 4;
	case 0xc3: return 9;
	}
	return *(const unsigned int *)(answer + 4) != 0x12345678;
}
"""


def _built(tmp_path: Path) -> Path:
    (tmp_path / "driver.c").write_text(_SOURCE)
    words = ["gcc", "-O2", "-c", "-o", str(tmp_path / "driver.ko"), str(tmp_path / "driver.c")]
    subprocess.run(words, check=True, timeout=60)
    return tmp_path / "driver.ko"


def test_what_a_driver_looks_for_is_among_its_constants(tmp_path: Path) -> None:
    found = constants_in(ElfFile.of(_built(tmp_path).read_bytes(), "driver"), DEFAULT)
    assert {0x4321, 0x5A, 0xBEEF, 0x12345678, 0x71, 0xC3} <= set(found)
    assert not {0, 1, 0xFF} & set(found)
    assert len(found) < 20


def test_modules_are_read_when_they_are_asked_for_and_damaged_ones_have_none(tmp_path: Path) -> None:
    _built(tmp_path)
    (tmp_path / "broken.ko").write_bytes(b"\x7fELF nothing")
    (tmp_path / "modules.dep").write_text("driver.ko:\nbroken.ko:\n")
    for name in ("modules.alias", "modules.builtin"):
        (tmp_path / name).touch()
    constants = Constants(tmp_path, DEFAULT)
    assert 0xBEEF in constants["driver"]
    assert constants["broken"] == ()
    assert constants.get("nothing", ()) == ()
    assert set(constants) == {"driver", "broken"}


def test_answers_get_what_the_driver_compares() -> None:
    known = Identities(CLASS_DRIVERS.by_module, constants=dict.fromkeys(CLASS_DRIVERS.modules, (48879,)))
    parents = [case for case in generate(3, 0, 200, CLASS_DRIVERS) if case.devices[0].control]
    notes = [havoc_case(Dice(number), parents[number % len(parents)], known).provenance.notes for number in range(600)]
    assert any("as the driver compares" in note for note in notes)
