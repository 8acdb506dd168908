"""The shared memory's structures, as numpy and as a C compiler lay them out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.guest.probe.layout import CONSTANTS, HEADER, structure

STRUCTURES = ("header", "block", "hook", "check", "callee", "frame", "report", "pair", "compared")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Sizes and offsets, as a program says that is compiled with the header."""
    directory = tmp_path_factory.mktemp("layout")
    lines = []
    for name in STRUCTURES:
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        lines += [
            f'printf("{name}.{field} %zu\\n", offsetof(struct {name}, {field}));'
            for field in structure(name).names or ()
        ]
    source = f'#include <stddef.h>\n#include <stdio.h>\n#include "layout.h"\nint main(void) {{ {" ".join(lines)} }}\n'
    (directory / "sizes.c").write_text(source)
    program = directory / "sizes"
    subprocess.run(["cc", f"-I{HEADER.parent}", "-o", program, directory / "sizes.c"], check=True)
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in (line.split() for line in said.splitlines())}


@pytest.mark.parametrize("name", STRUCTURES)
def test_numpy_and_the_compiler_agree_where_each_field_is(name: str, measured: dict[str, int]) -> None:
    kind = structure(name)
    assert kind.itemsize == measured[name]
    assert kind.fields is not None
    assert {field: place[1] for field, place in kind.fields.items()} == {
        field: measured[f"{name}.{field}"] for field in kind.fields
    }


def test_enumerations_count_on_from_the_number_before() -> None:
    assert CONSTANTS["HOOK_ALLOC"] == 1
    assert CONSTANTS["HOOK_URB"] == CONSTANTS["HOOK_FREE_PAGES"] + 1
    assert CONSTANTS["HEAP_OFF"] == 0
    assert CONSTANTS["NOWHERE"] == 0xFFFFFFFF
    assert Path(HEADER).name == "layout.h"
