"""repro.py stands alone: old Python, standard library only, and its device answers as the project's own does."""

from __future__ import annotations

import ast
import builtins
import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import CASE_FILES, CORPUS, ROOT
from usbfuzz.case import load
from usbfuzz.case.model import Case, ControlScript, DeviceSpec, EndpointScript, RequestPattern, Step
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.report.bundle import MODULES, bundled
from usbfuzz.report.events import outside_events
from usbfuzz.report.repro import key_line, render_repro
from usbfuzz.wire import Answer, Setup, Speed, Status

_CORPUS = CORPUS
_MOUSE = load(_CORPUS / "devices" / "boot-mouse.toml").devices[0]


def _render(case: Case, report: str = "") -> str:
    return render_repro(case, title='a "title" \\ of */ bugs', kernel="debian:5.10.223-1", report=report)


def _namespace(text: str, *known: SimpleNamespace) -> SimpleNamespace:
    """What the file defines, besides what is known."""
    names: dict[str, Any] = {name: value for part in known for name, value in vars(part).items()}
    names["__name__"] = "repro"
    sys.modules["repro"] = sys.modules[__name__]  # dataclasses look their module up
    exec(compile(text, "repro.py", "exec"), names)
    return SimpleNamespace(**names)


@cache
def _parts() -> SimpleNamespace:
    return _namespace(bundled())


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: path.stem)
def test_the_file_is_python_3_8_and_holds_the_case_byte_for_byte(path: Path) -> None:
    case = load(path)
    around = _render(case).replace(bundled(), "")  # which is the same in all, and long
    ast.parse(around, feature_version=(3, 8))
    played = _namespace(around, _parts()).CASE
    assert [device.device for device in played.devices] == [spec.device for spec in case.devices]
    assert [
        (event.action, event.port, event.device, event.after_ms, event.after_requests) for event in played.events
    ] == [
        (event.action.value, event.port, event.device, event.after_ms, event.after_requests)
        for event in outside_events(case)
    ]
    for device, spec in zip(played.devices, case.devices, strict=True):
        for number, raw in enumerate(spec.configurations):
            assert device.descriptors[0x0200 | number] == raw
        for number, raw in spec.reports:
            assert device.interface_descriptors[0x22, number] == raw


def test_the_whole_file_is_python_3_8_and_defines_its_case() -> None:
    text = _render(Case((_MOUSE,), ()))
    ast.parse(text, feature_version=(3, 8))
    assert [device.device for device in _namespace(text).CASE.devices] == [_MOUSE.device]


def test_it_imports_nothing_but_the_standard_library() -> None:
    nodes = [node for node in ast.walk(ast.parse(bundled())) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in modules} <= set(sys.stdlib_module_names)


def test_its_modules_share_a_namespace_without_a_clash() -> None:
    tree = ast.parse(bundled())
    names = [node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names += [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    assert len(names) == len(set(names))
    assert not set(names) & set(dir(builtins))
    assert len(MODULES) == len({path.stem for path in _standalone()}) - 1  # less __init__


def _standalone() -> list[Path]:
    return list((ROOT / "usbfuzz" / "report" / "standalone").glob("*.py"))


def test_without_a_kernel_it_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "repro.py"
    path.write_text(_render(load(CASE_FILES[0])))
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--kernel" in done.stderr
    words = [sys.executable, "-I", str(path), "--kernel", str(tmp_path / "no"), "--initrd", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path / 'no'}: there is no such file\n")


def test_a_qemu_that_never_starts_a_guest_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "repro.py"
    path.write_text(_render(load(CASE_FILES[0])))
    words = [sys.executable, "-I", str(path), "--kernel", str(path), "--initrd", str(path), "--qemu", "/bin/false"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "the guest did not boot" in done.stdout


def test_hostile_names_and_titles_stay_text(tmp_path: Path) -> None:
    case = Case((DeviceSpec('"""\nimport os', _MOUSE.device, _MOUSE.configurations),), ())
    text = render_repro(case, title='x""" + exit(1) + """\\', kernel="\n\\", report="")
    path = tmp_path / "repro.py"
    path.write_text(text)
    assert runpy.run_path(str(path), run_name="repro")["CASE"].devices[0].name == '"""\nimport os'


def test_the_key_line_finds_the_report_with_other_numbers() -> None:
    report = "BUG: kernel NULL pointer dereference, address: 0000000000000018\n#PF: supervisor read access\n"
    pattern = key_line(report, "BUG: unable to handle kernel NULL pointer dereference in f")
    assert re.search(pattern, "[  12.5] BUG: kernel NULL pointer dereference, address: 00000000000000a0")
    assert not re.search(pattern, "BUG: unable to handle page fault for address: ffff")
    assert key_line("nothing to see", "KASAN: use-after-free in a.b") == r"a\.b"


# The device

_bytes = st.binary(max_size=12)
_answers = st.builds(
    Answer,
    st.sampled_from((Status.OK, Status.STALL, Status.NAK, Status.NEVER, Status.BABBLE)),
    _bytes,
    st.integers(0, 3),
)
_steps = st.lists(st.builds(Step, _answers, st.integers(0, 2)), max_size=3).map(tuple)
_word = st.sampled_from((None, 0, 1, 0x0100, 0x0200, 0x2200))
_request = {
    "bmRequestType": st.sampled_from((None, 0x80, 0x81, 0x00, 0x21, 0xA1)),
    "bRequest": st.sampled_from((None, 0, 1, 6, 9, 11)),
    "wValue": _word,
    "wIndex": _word,
}
_scripts = st.builds(ControlScript, _steps, **_request, after=st.none() | st.builds(RequestPattern, **_request))
_specs = st.builds(
    DeviceSpec,
    name=st.just("any"),
    device=st.just(_MOUSE.device),
    configurations=st.just(_MOUSE.configurations),
    speed=st.sampled_from(Speed),
    strings=st.just(_MOUSE.strings),
    reports=st.just(_MOUSE.reports),
    control=st.lists(_scripts, max_size=3).map(tuple),
    endpoints=st.lists(st.builds(EndpointScript, st.sampled_from((0x81, 0x02)), _steps), max_size=2).map(tuple),
)
_setups = st.builds(
    Setup,
    st.sampled_from((0x80, 0x81, 0x82, 0x00, 0x01, 0x02, 0x21, 0xA1, 0x40, 0xC0)),
    st.sampled_from((0, 1, 2, 3, 6, 10)),
    st.sampled_from((0, 1, 0x0100, 0x0200, 0x0301, 0x2100, 0x2200)),
    st.sampled_from((0, 0x81, 0x0409)),
    st.sampled_from((0, 1, 2, 8, 255)),
)
_actions = st.lists(
    st.one_of(
        st.tuples(st.just("control"), _setups),
        st.tuples(st.just("configuration"), st.integers(0, 2)),
        st.tuples(st.just("interface"), st.integers(0, 1)),
        st.tuples(st.just("in"), st.sampled_from((0x81, 0x83))),
        st.tuples(st.just("out"), st.sampled_from((0x02, 0x03))),
        st.tuples(st.just("reset"), st.none()),
    ),
    max_size=20,
)

_WIRE = {Status.OK: 0, Status.INVAL: 2, Status.STALL: 4, Status.BABBLE: 6, Status.NAK: -1, Status.NEVER: -2}


def _ours(device: ScriptedDevice, what: str, value: Any) -> Answer | None:
    match what:
        case "control":
            return device.on_control(value, b"\x01" * value.wLength if not value.is_in else b"")
        case "configuration":
            return device.on_set_configuration(value)
        case "interface":
            return device.on_set_interface(0, value)
        case "in":
            return device.on_in(value, 64)
        case "out":
            return device.on_out(value, b"x")
    device.on_reset()
    return None


def _theirs(device: Any, what: str, value: Any) -> Any:
    match what:
        case "control":
            setup = (value.bmRequestType, value.bRequest, value.wValue, value.wIndex, value.wLength)
            return device.on_control(setup, b"\x01" * value.wLength if not value.is_in else b"")
        case "configuration":
            return device.on_set_configuration(value)
        case "interface":
            return device.on_set_interface(0, value)
        case "in":
            return device.on_in(value)
        case "out":
            return device.on_out(value)
    device.on_reset()
    return None


@settings(deadline=None, max_examples=60)
@given(_specs, _actions)
def test_its_device_answers_as_the_projects_own_does(spec: DeviceSpec, actions: list[tuple[str, Any]]) -> None:
    played = eval(_case_expression(spec), vars(_parts()).copy())
    ours, theirs = ScriptedDevice(spec), _parts().Device(played.devices[0])
    for what, value in actions:
        one, other = _ours(ours, what, value), _theirs(theirs, what, value)
        if one is not None:
            assert (_WIRE[one.status], one.data, one.delay_ms) == (other.status, other.data, other.delay_ms)
        layout = {i.bInterfaceNumber: (i.bInterfaceClass, i.bInterfaceSubClass) for i in ours.layout().interfaces}
        assert {number: setting.triple[:2] for number, setting in theirs.settings().items()} == layout
        told = [(e.bEndpointAddress, int(e.type), e.bInterval, e.wMaxPacketSize) for e in ours.layout().endpoints]
        shown = [
            (e.address, e.type, e.interval, e.max_packet_size) for s in theirs.settings().values() for e in s.endpoints
        ]
        assert shown == told


def _case_expression(spec: DeviceSpec) -> str:
    text = _render(Case((spec,), ()))
    return text[text.index("\nCASE = ") + 8 : text.index("\nif __name__")]
