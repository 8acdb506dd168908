"""What a user may call a device, and what is said when it is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT
from usbfuzz.case import ScriptedDevice
from usbfuzz.errors import CaseError, InputError
from usbfuzz.load import in_bytes, load_device
from usbfuzz.models import find_model

KNOWN_BUG = ROOT / "corpus" / "known-bugs" / "quatech2-bulk-null.toml"

PLAIN = """
from helper_of_mine import PRODUCT
from usbfuzz.device import Device, build

class Headset(Device):
    device = build.device(idVendor=0x1209, idProduct=PRODUCT)
"""
SEVERAL = """
from usbfuzz.device import Device
from usbfuzz.models.hid.pointers import Mouse

class _Shared(Device): pass
class Left(_Shared): pass
class Right(_Shared): pass
"""
BROKEN = {
    "syntax.py": ("class A(:\n", "syntax.py:1: SyntaxError"),
    "raises.py": ("x = 1\ny = x / 0\n", "raises.py:2: ZeroDivisionError: division by zero"),
    "nothing.py": ("from usbfuzz.models.hid.pointers import Mouse\n", "nothing.py: defines no class derived from"),
    "several.py": (SEVERAL, "several.py: defines 2 devices; name one: several.py:Left or several.py:Right"),
    "wants.py": (
        "from usbfuzz.device import Device\nclass A(Device):\n    def __init__(self, rate): pass\n",
        "wants.py: A() cannot be made without arguments: missing a required argument: 'rate'",
    ),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_case_may_name_a_model_which_then_plays_the_device(here: Path) -> None:
    (here / "kept.toml").write_text('format = 1\n[[device]]\nmodel = "disk"\n')
    loaded = load_device("kept.toml")
    assert loaded.name == "disk"
    assert type(loaded.make()) is find_model("disk")
    assert loaded.case is not None
    (spec,) = in_bytes(loaded.case).devices
    assert (spec.model, spec.device) == ("", find_model("disk").device)


def test_a_case_file_is_the_device_it_plugs_first_with_its_schedule() -> None:
    loaded = load_device(str(KNOWN_BUG))
    device = loaded.make()
    assert isinstance(device, ScriptedDevice)
    assert loaded.case is not None
    assert device.device == loaded.case.devices[0].device
    assert loaded.name == loaded.case.devices[0].name
    assert loaded.make() is not device


def test_a_crash_directory_is_its_case(here: Path) -> None:
    crash = here / "slug"
    crash.mkdir()
    (crash / "case.toml").write_bytes(KNOWN_BUG.read_bytes())
    assert load_device("slug").case == load_device(str(KNOWN_BUG)).case


def test_a_model_is_known_by_its_name() -> None:
    assert load_device("disk").make == find_model("disk")


def test_a_known_name_means_the_model_and_a_path_the_directory(here: Path) -> None:
    (here / "mouse").mkdir()
    assert isinstance(load_device("mouse").make(), find_model("mouse"))
    with pytest.raises(CaseError, match=r"holds no case.toml"):
        load_device("./mouse")


def test_a_python_file_is_the_class_it_defines_and_may_import_its_neighbours(here: Path) -> None:
    (here / "mine.py").write_text(PLAIN)
    (here / "helper_of_mine.py").write_text("PRODUCT = 0xBEEF\n")
    loaded = load_device("mine.py")
    assert (loaded.name, loaded.case) == ("Headset", None)
    assert loaded.make().device[10:12] == b"\xef\xbe"


@pytest.mark.parametrize("name", ["Left", "_Shared"])
def test_one_of_several_classes_is_named_after_a_colon(here: Path, name: str) -> None:
    (here / "several.py").write_text(SEVERAL)
    assert load_device(f"several.py:{name}").name == name


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_python_file_that_gives_no_device_is_told_where_and_why(here: Path, name: str) -> None:
    text, message = BROKEN[name]
    (here / name).write_text(text)
    with pytest.raises(InputError) as caught:
        load_device(name)
    assert message in str(caught.value)


def test_a_device_that_cannot_be_made_is_told_where_and_why(here: Path) -> None:
    text = (
        "from usbfuzz.device import Device\nclass A(Device):\n    def __init__(self):\n        open('/missing/disk')\n"
    )
    (here / "mine.py").write_text(text)
    loaded = load_device("mine.py")
    with pytest.raises(InputError, match=r"mine.py:4: FileNotFoundError: .*/missing/disk"):
        loaded.make()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tablte", "tablte: is neither a file nor a device usbfuzz knows; did you mean tablet?"),
        ("zzz", "zzz: is neither a file nor a device usbfuzz knows; there is "),
        ("missing.toml", "missing.toml: cannot be read: No such file"),
        ("missing.py", "missing.py: there is no such file"),
        ("several.py:Lefty", "several.py: defines no Device class 'Lefty'; did you mean Left?"),
        ("several.py:Mouse", "several.py: defines no Device class 'Mouse'"),
    ],
)
def test_what_is_no_device_is_told_what_was_meant(here: Path, spec: str, message: str) -> None:
    (here / "several.py").write_text(SEVERAL)
    with pytest.raises(InputError) as caught:
        load_device(spec)
    assert message in str(caught.value)
