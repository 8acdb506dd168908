"""The shadow says of each byte what a plain model of slots says, whatever order things happen in."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from .programs import SOURCES, compile_driver, run
from .shadow_model import Life

STEPS = 2000


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover", "-Wl,--wrap=mmap")
    sources = tuple(sorted(path.name for path in SOURCES.glob("*.c")))
    helpers = ("fake_qemu", "fake_kernel")
    return compile_driver("shadow_driver", sources, tmp_path_factory.mktemp("shadow"), *flags, helpers=helpers)


@pytest.mark.parametrize("seed", range(4))
def test_objects_pages_and_frees_in_any_order_leave_the_shadow_that_they_should(driver: Path, seed: int) -> None:
    check(driver, seed)


def check(driver: Path, seed: int) -> None:
    """Run one life; AssertionError at the first thing that differs, with what led there."""
    steps = list(Life(Random(seed)).commands(STEPS))
    said = iter(run(driver, text="".join(f"{command} \n" for command, _ in steps)))
    for index, (command, expected) in enumerate(steps):
        got = [next(said, "") for _ in expected]
        assert got == expected, (command, [step for step, _ in steps[max(0, index - 12) : index]])
    assert next(said, "") == ""


#: kmalloc-64 in frame 0x20: two objects that are in use.
_TWO_OBJECTS = ("cache 0 40 40 0 0 0", "pages 20 0", "slab 20 0 0", "alloc 20000 40", "alloc 20040 40")


def test_processors_that_free_at_the_same_time_free_nothing_twice(driver: Path) -> None:
    said = run(driver, text=_lines("free-on 20000 0 100", "free-on 20040 1 100", "free-on 20000 0 180"))
    assert said == []


def test_an_object_that_two_processors_free_is_freed_twice(driver: Path) -> None:
    assert run(driver, text=_lines("free-on 20000 0 100", "free-on 20000 1 100")) == ["double"]


def _lines(*commands: str) -> str:
    return "".join(f"{command} \n" for command in (*_TWO_OBJECTS, *commands))
