"""Functions compiled twice, at other places and among other things: only what changed counts as changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.guest.kernels.code import CodeOf, base_name, code_of, whole_name
from harness.guest.kernels.elf import ElfFile
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import KernelError
from usbfuzz.jobs.aim.changes import differing

_FLAGS = ("-c", "-O2", "-fno-pic", "-fcf-protection=none", "-fno-asynchronous-unwind-tables")
_START = """
extern void say(const char *text, ...) __attribute__((cold));
extern int submit(int urb, const void *buffer);
struct lock { int held; };
static int state[4], limit = 5;
"""
_PROBE = """
static __attribute__((noipa)) int check(int urb) { return submit(urb, state) + limit; }
int probe(int urb)
{
	static struct lock key;
	static const char request[] = { 1, 2, 3, 4, 5, 6, 7 };
	if (urb < 0)
		say("probe: %d failed", urb);
	key.held++;
	state[2] = urb;
	return check(urb) + check(urb + 1) + submit(urb, request);
}
"""
_OTHER = """
int before(int urb)
{
	static struct lock key;
	static const char request[] = { 9, 9 };
	key.held = 3;
	if (urb > 7)
		say("before: %d failed", urb);
	return submit(urb, request) + submit(urb, "something");
}
"""


def _code(tmp_path: Path, source: str, *flags: str) -> CodeOf:
    (tmp_path / "driver.c").write_text(source)
    subprocess.run(["gcc", *_FLAGS, *flags, "driver.c", "-o", "driver.ko"], cwd=tmp_path, check=True)
    assert DEFAULT.code
    return code_of(ElfFile.of((tmp_path / "driver.ko").read_bytes(), "driver.ko"), DEFAULT.code)


def _differing(tmp_path: Path, old: str, new: str) -> frozenset[str]:
    return differing(_code(tmp_path, _START + new), _code(tmp_path, _START + old))


def test_a_function_that_only_moved_is_the_same(tmp_path: Path) -> None:
    assert _differing(tmp_path, _PROBE, _PROBE) == frozenset()
    assert _differing(tmp_path, _PROBE, _OTHER + _PROBE) == {"before"}
    assert _differing(tmp_path, _OTHER + _PROBE, _PROBE + _OTHER) == frozenset()


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("urb < 0", "urb < 1", {"probe"}),
        ("probe: %d failed", "probe: %d has failed", {"probe"}),
        ("state[2]", "state[3]", {"probe"}),
        ("6, 7 }", "7, 7 }", {"probe"}),
        ("check(urb + 1)", "submit(urb + 1, 0)", {"probe"}),
        ("+ limit", "- limit", {"check"}),
        ("submit(urb, state)", "submit(urb, state + 1)", {"check"}),
    ],
)
def test_a_change_is_that_of_the_function_it_is_in(tmp_path: Path, old: str, new: str, changed: set[str]) -> None:
    assert old in _PROBE
    assert _differing(tmp_path, _PROBE, _OTHER + _PROBE.replace(old, new)) - {"before"} == changed


def test_a_change_in_the_cold_part_is_one_of_the_function(tmp_path: Path) -> None:
    found = _code(tmp_path, _START + _PROBE.replace("urb);\n\tkey", "urb + 2);\n\tkey"))
    assert set(found) == {"probe", "check"}, "the cold part is no function of its own"
    assert differing(found, _code(tmp_path, _START + _PROBE)) == {"probe"}


def test_a_call_that_the_assembler_resolved_is_one_by_name(tmp_path: Path) -> None:
    two = "static __attribute__((noinline)) int {}(int urb) {{ return submit(urb, state) * {}; }}\n"
    first, second = two.format("first", 3), two.format("second", 5)
    user = "int use(int urb) { return 1 + first(urb); }\nint also(int urb) { return 2 + second(urb); }\n"
    assert _differing(tmp_path, first + second + user, second + first + user) == frozenset()
    other = user.replace("1 + first", "1 + second")
    assert _differing(tmp_path, first + second + user, first + second + other) >= {"use"}


def test_what_compilers_number_is_the_same_under_another_number() -> None:
    assert base_name("__key.5") == base_name("__key.17") == "__key"
    assert base_name("__UNIQUE_ID_ddebug354.3") == base_name("__UNIQUE_ID_ddebug356.0")
    assert base_name("build_feature.isra.0.cold") == "build_feature"
    assert whole_name("build_feature.isra.0.cold") == "build_feature.isra.0"
    assert base_name("usb_3.0") != base_name("usb_2.0x")


def test_of_two_functions_with_one_name_each_may_be_the_one(tmp_path: Path) -> None:
    source = _START + "int probe(int urb) { return submit(urb, 0) + %d; }\n"
    first, second = _code(tmp_path, source % 1), _code(tmp_path, source % 2)
    both = {"probe": (*first["probe"], *second["probe"])}
    assert differing(first, both) == frozenset()
    assert differing(both, first) == {"probe"}


def test_a_damaged_object_is_an_error(tmp_path: Path) -> None:
    _code(tmp_path, _START + _PROBE)
    assert DEFAULT.code
    whole = (tmp_path / "driver.ko").read_bytes()
    with pytest.raises(KernelError, match=r"driver.ko: "):
        code_of(ElfFile.of(whole[: len(whole) // 3], "driver.ko"), DEFAULT.code)
