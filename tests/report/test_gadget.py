"""repro.c is C that compiles without a warning, and holds the case's bytes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from tests import KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, EndpointScript, Event, RequestPattern, Step, Use
from usbfuzz.report.gadget import render_gadget
from usbfuzz.report.repro import render_repro
from usbfuzz.report.syzkaller import render_syz_case
from usbfuzz.wire import Answer, Speed, Status

_FILES = sorted((KNOWN_BUGS).glob("*.toml"))
_WIDE = load(_FILES[0]).devices[0]


def _compile(text: str, tmp_path: Path) -> None:
    source = tmp_path / "repro.c"
    source.write_text(text)
    flags = ("-Wall", "-Wextra", "-Werror", "-O1", "-pthread")
    subprocess.run(["gcc", *flags, "-o", str(tmp_path / "repro"), str(source)], check=True)


def _bytes(text: str, name: str) -> bytes:
    match = re.search(rf"static const uint8_t {name}\[\] = \{{(.*?)\n\}};", text, re.DOTALL)
    assert match is not None
    return bytes.fromhex("".join(re.findall(r"\b0x([0-9a-f]{2})\b", re.sub(r"/\*.*?\*/", "", match[1]))))


def test_who_plays_the_programs_of_its_case_is_said_at_its_top(tmp_path: Path) -> None:
    case = load(_FILES[0])
    program = Use(("s = socket(1, 2, 0)",))
    used = evolve(case, uses=(program,), events=(*case.events, Event(Action.USE, use=0, after_requests=9)))
    for text, mark in (
        (render_gadget(used, title="*/", kernel="debian:5.10.223-1"), " * "),
        (render_repro(used, title="x", kernel="debian:5.10.223-1", report=""), "# "),
        (render_syz_case(used, title="x", kernel="debian:5.10.223-1"), "# Not in this program: "),
    ):
        assert [line for line in text.splitlines() if line.startswith(mark) and "use.c" in line], text[:2000]
    _compile(render_gadget(used, title="*/", kernel="debian:5.10.223-1"), tmp_path)
    for text in (
        render_gadget(case, title="x"),
        render_repro(case, title="x", kernel="debian:5.10.223-1", report=""),
        render_syz_case(case, title="x", kernel=""),
    ):
        assert "use.c" not in text


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_every_known_bug_becomes_a_program(path: Path, tmp_path: Path) -> None:
    case = load(path)
    text = render_gadget(case, title=case.title, kernel="debian:5.10.223-1")
    _compile(text, tmp_path)
    assert '#include "case.h"' not in text
    for number, device in enumerate(case.devices):
        for index, raw in enumerate(device.configurations):
            assert _bytes(text, f"d{number}_{0x0200 | index:04x}") == raw


def test_scripts_ports_and_hostile_texts_compile_too(tmp_path: Path) -> None:
    steps = tuple(Step(Answer(status, b"\x01\x02" * 20, 5), times) for times, status in enumerate(Status))
    device = evolve(
        _WIDE,
        name='*/ "\\ ?? \n',
        speed=Speed.SUPER,
        control=(
            ControlScript(steps, bRequest=6, after=RequestPattern(bRequest=9)),
            ControlScript(()),
        ),
        endpoints=(EndpointScript(0x81, steps), EndpointScript(0x81, steps), EndpointScript(0x02, ())),
        strings=((0, b"\x04\x03\x09\x04"), (5, b"")),
    )
    events = (
        Event(Action.PLUG, port=3, device=0),
        Event(Action.RESET, 3, after_ms=4),
        Event(Action.UNPLUG, 3, None, None, 7),
    )
    text = render_gadget(Case((device,), events), title="x */ int y; /*", kernel="k\n")
    _compile(text, tmp_path)
    assert "modprobe dummy_hcd num=4 is_super_speed=1" in text


def test_a_device_without_events_is_plugged(tmp_path: Path) -> None:
    text = render_gadget(Case((DeviceSpec("bare", b""),), ()), title="t", kernel="k")
    _compile(text, tmp_path)
    assert "{ PLUG, 0, &d0, SETTLED, SETTLED }" in text
