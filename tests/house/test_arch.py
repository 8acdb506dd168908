"""What is different about an architecture is in its record, and nowhere else."""

from __future__ import annotations

import pytest

from usbfuzz.arch import ARCHES, Arch, by_name, by_uname


@pytest.mark.parametrize("arch", ARCHES, ids=repr)
def test_a_record_is_found_by_its_name_and_by_what_its_machines_call_themselves(arch: Arch) -> None:
    assert by_name(arch.name) is arch
    assert by_uname(arch.uname) is arch
    assert arch.emulator.qemu in arch.packages
