"""Kinds are found in the order of their files, import nothing by themselves, and refer to code that exists."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import usbfuzz.kinds
from strategies.palette import builder_of, kinds_of
from usbfuzz.device import Device
from usbfuzz.kinds import KINDS, Kind, resolve
from usbfuzz.report.lsusb.position import ClassWords

FILES = sorted(path.stem for path in Path(usbfuzz.kinds.__file__).parent.glob("[a-z]*.py") if path.stem != "kind")
GENERATED = sorted(kind.name for kind in KINDS.values() if kind.builder)


def test_every_file_declares_the_kind_of_its_name_in_order() -> None:
    assert list(KINDS) == FILES


def test_declaring_kinds_imports_no_code_they_refer_to() -> None:
    code = "import sys, usbfuzz.kinds; print(*(n for n in sys.modules if n[:8] in ('usbfuzz.', 'strategi')))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all("usbfuzz.kinds" in name for name in names.split())


def test_the_generated_kinds_have_a_share_and_modules() -> None:
    assert all(bool(kind.builder) == bool(kind.share) == bool(kind.modules) for kind in KINDS.values())


@pytest.mark.parametrize("name", GENERATED)
def test_the_builder_of_a_kind_can_be_called(name: str) -> None:
    assert callable(builder_of(name))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_models_of_a_kind_are_devices(kind: Kind) -> None:
    assert all(issubclass(resolve(reference), Device) for reference in kind.models.values())


def test_a_model_name_belongs_to_one_kind() -> None:
    names = Counter(name for kind in KINDS.values() for name in kind.models)
    assert set(names.values()) == {1}


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        ("snd_usb_audio", ("audio", "midi")),
        ("usblp", ("printer",)),
        ("uas", ("storage",)),
        ("ums_realtek", ("storage",)),
        ("btusb", ("vendor",)),
        ("no_such_module", ("vendor",)),
    ],
)
def test_a_module_asks_for_the_kinds_that_name_it_or_for_vendor_specific_devices(
    module: str, kinds: tuple[str, ...]
) -> None:
    assert kinds_of(module, ()) == kinds


def test_the_words_of_a_kind_are_there() -> None:
    assert all(isinstance(resolve(f"{kind.lsusb}:WORDS"), ClassWords) for kind in KINDS.values() if kind.lsusb)
