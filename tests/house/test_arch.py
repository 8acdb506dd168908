"""What is different about an architecture is in its record, and nowhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from usbfuzz.arch import ARCHES, Arch, by_name, by_uname

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("arch", ARCHES, ids=repr)
def test_a_record_is_found_by_its_name_and_by_what_its_machines_call_themselves(arch: Arch) -> None:
    assert by_name(arch.name) is arch
    assert by_uname(arch.uname) is arch
    assert arch.emulation.qemu in arch.packages


def test_only_the_records_name_an_architecture() -> None:
    """Whoever adds one must find all that differs in one place."""
    words = re.compile(r"amd64|(?<!0)x86|bzImage|\bq35\b|ttyS0|\bRIP\b|clearcpuid|qemu-system-[a-z]")
    listed = subprocess.run(
        ["git", "ls-files", "usbfuzz", "harness", "strategies", "scripts"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in listed.stdout.split()
        if not name.startswith("usbfuzz/arch/")
        and not re.fullmatch(r"harness/guest/probe/\w+\.[ch]", name)  # what decodes instructions is for one alone
        for number, line in enumerate((REPOSITORY / name).read_text(errors="replace").splitlines(), 1)
        if words.search(line)
    ]
    assert found == []
