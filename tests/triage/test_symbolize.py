"""Source lines from debug information: objects compiled here stand for a module and a vmlinux."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

from usbfuzz.errors import InfraError, InputError
from usbfuzz.triage import Report, Symbols, extract, symbolize
from usbfuzz.triage.symbols import Frame, in_tree

from .logs import oops, styled
from .probe_examples import block

_SOURCE = """\
extern int submit(int urb);
static inline __attribute__((always_inline)) int start_wait(int urb)
{
	return submit(urb) + 1;
}
__attribute__((noinline)) int probe_it(int urb)
{
	return start_wait(urb) * 3;
}
__attribute__((section(".text.unlikely"), noinline)) int fail(int urb)
{
	return submit(urb) + 7;
}
"""
_MAIN = "int probe_it(int urb);\nint submit(int urb) { return urb; }\nvoid _start(void) { for (;;) probe_it(1); }\n"


@frozen
class Built:
    """A compiled tree and where its functions call ``submit``."""

    root: Path

    def frame(self, function: str, module: str | None = "usb_dummy") -> Frame:
        """The frame whose call to ``submit`` has not returned, as a stack shows it: less the byte of the return."""
        name = "vmlinux" if module is None else "usb-dummy.ko"
        found = next(self.root.rglob(name))
        code = subprocess.run(
            ["objdump", "-d", "-r", f"--disassemble={function}", found], capture_output=True, text=True, check=True
        ).stdout
        start = int(re.search(rf"^([0-9a-f]+) <{function}>:", code, re.MULTILINE)[1], 16)  # type: ignore[index]
        call = code.index("call")
        after = int(re.findall(r"^\s+([0-9a-f]+):\t", code[call:], re.MULTILINE)[0], 16)
        last = int(re.findall(r"^\s+([0-9a-f]+):\t", code, re.MULTILINE)[-1], 16)
        return Frame(function, after - start - 1, (last - start + 16) & ~15, module)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("tree")
    source = root / "drivers" / "usb" / "dummy.c"
    source.parent.mkdir(parents=True)
    source.write_text(_SOURCE)
    (root / "start.c").write_text(_MAIN)
    cc = ["gcc", "-g", "-O1", "-fno-pic", "-fcf-protection=none", "-fno-optimize-sibling-calls"]
    subprocess.run([*cc, "-c", "drivers/usb/dummy.c", "-o", "usb-dummy.ko"], cwd=root, check=True)
    linked = ["-w", "-static", "-no-pie", "-nostartfiles", "drivers/usb/dummy.c", "start.c", "-o", "vmlinux"]
    subprocess.run([*cc, *linked], cwd=root, check=True)
    return Built(root)


def test_a_frame_of_a_module_gets_its_line_and_what_was_inlined_there(built: Built) -> None:
    frame = built.frame("probe_it")
    locations = Symbols.find([built.root]).locate([frame])[frame]
    assert [(location.function, location.file, location.line, location.inlined) for location in locations] == [
        ("start_wait", "drivers/usb/dummy.c", 4, True),
        ("probe_it", "drivers/usb/dummy.c", 8, False),
    ]


def test_sections_of_a_module_are_told_apart(built: Built) -> None:
    frames = [built.frame("fail"), built.frame("probe_it")]
    located = Symbols.find([built.root]).locate(frames)
    assert [located[frame][-1].line for frame in frames] == [12, 8]


def test_code_without_a_module_is_vmlinux(built: Built) -> None:
    frame = built.frame("probe_it", module=None)
    located = Symbols.find([built.root / "vmlinux"]).locate([frame])
    assert located[frame][-1].line == 8


@pytest.mark.parametrize("size", [8, 4096])
def test_a_function_of_another_size_is_of_another_build(built: Built, size: int) -> None:
    frame = built.frame("probe_it")
    other = Frame(frame.function, 1, size, frame.module)
    assert Symbols.find([built.root]).locate([other]) == {}


def _report(rip: str, caller: str) -> Report:
    """The report of an oops in ``rip``, called by ``caller``, both as a stack shows them."""
    lines = oops(("BUG: kernel NULL pointer dereference, address: 0000000000000000",), "here [usb_dummy]", "there [m]")
    text = styled(lines)
    (report,) = extract(text.replace("here+0x97/0x350 [usb_dummy]", rip).replace("there+0x10/0x1c0 [m]", caller))
    return report


def test_a_call_is_where_it_was_made_and_not_where_it_returns_to(built: Built) -> None:
    frame = built.frame("probe_it")
    place = f"probe_it+{frame.offset + 1:#x}/{frame.size:#x} [usb_dummy]"
    report = _report("dummy_open+0x1/0x20 [usb_dummy]", place)
    known = symbolize(report, Symbols.find([built.root]))
    assert f"\n start_wait drivers/usb/dummy.c:4 [inline]\n {place} drivers/usb/dummy.c:8\n" in known.text
    assert (known.title, known.file) == (report.title, report.file)


def test_the_instruction_pointer_is_taken_as_it_is_and_names_the_guilty_file(built: Built) -> None:
    frame = built.frame("probe_it")
    report = _report(f"probe_it+0x0/{frame.size:#x} [usb_dummy]", "worker+0x1/0x200 [other]")
    known = symbolize(report, Symbols.find([built.root]))
    assert f"RIP: 0010:probe_it+0x0/{frame.size:#x} [usb_dummy] drivers/usb/dummy.c:7\n" in known.text
    assert known.file == "drivers/usb/dummy.c"


def test_the_stacks_of_the_probe_get_lines_too(built: Built) -> None:
    frame = built.frame("probe_it")
    place = f"probe_it+{{:#x}}/{frame.size:#x} [usb_dummy]"
    tracks = ("Allocated by:", f" {place.format(frame.offset + 1)}")
    (report,) = extract(styled(block("slab-out-of-bounds", place.format(0), "Read of size 8 at addr 0", *tracks)))
    known = symbolize(report, Symbols.find([built.root]))
    assert f"BUG: usbfuzz: slab-out-of-bounds in {place.format(0)} drivers/usb/dummy.c:7\n" in known.text
    assert f" {place.format(frame.offset + 1)} drivers/usb/dummy.c:8\n" in known.text
    assert known.file == "drivers/usb/dummy.c"


@pytest.mark.parametrize("before", ["", "./", "/build/linux-6.1.10/", "/build/linux/debian/build/../../"])
def test_a_source_file_is_named_from_the_top_of_the_tree(before: str) -> None:
    for path in ("drivers/net/usb/usbnet.c", "arch/x86/kernel/traps.c", "include/linux/usb.h"):
        assert in_tree(f"{before}{path}") == path


def test_a_path_without_debug_information_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_text("no ELF")
    with pytest.raises(InputError, match="no vmlinux and no module"):
        Symbols.find([tmp_path])


def test_missing_binutils_are_named(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = built.frame("probe_it")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(InfraError, match="binutils"):
        Symbols.find([built.root]).locate([frame])
