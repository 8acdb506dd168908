"""Functions and lines of a compiled module that were executed."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels.elf import Function
from usbfuzz.coverage import Block, Blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.coverage.lcov import tracefile
from usbfuzz.jobs.coverage.modules import module_coverage
from usbfuzz.jobs.coverage.read import read_coverage, read_sources
from usbfuzz.jobs.coverage.sources import FileCoverage

from .built import NAME, RELEASE, Built

_DRIVER, _HEADER = "drivers/usb/dummy.c", "include/linux/twice.h"


def _files(built: Built, *blocks: Block) -> dict[str, FileCoverage]:
    return {file.path: file for file in read_sources(built.coverage(*blocks), lambda _: None)}


def test_functions_are_reached_or_not(built: Built) -> None:
    (module,) = built.coverage(built.whole("probe_it", 5, "mouse")).modules
    found = {function.name: (function.covered == function.size, function.hits, function.case)
             for function in module.functions}  # fmt: skip
    assert found == {"probe_it": (True, 5, "mouse"), "idle": (False, 0, ""), "fail": (False, 0, "")}
    assert (module.reached, module.blocks) == (1, 1)


def test_a_block_covers_its_bytes_only(built: Built) -> None:
    place = built.function("idle")
    (module,) = built.coverage(Block(NAME, place.section, place.offset + 1, 2)).modules
    assert {function.name: function.covered for function in module.functions if function.covered} == {"idle": 2}


def test_code_that_runs_when_a_module_is_loaded_is_not_counted(built: Built) -> None:
    coverage = built.coverage(built.whole("init_it"))
    assert coverage.modules == ()
    assert "init_it" not in {function.name for function in coverage.module(NAME).functions}


def test_code_behind_the_last_function_is_not_the_modules(built: Built) -> None:
    place = built.function("fail")
    coverage = built.coverage(Block(NAME, place.section, place.offset + place.size + 4096, 8))
    assert coverage.modules == ()


def test_blocks_of_a_module_that_is_not_at_hand_are_counted_all_the_same() -> None:
    blocks = Blocks.of("k", "r", [Block("m", ".text", 99, 4), Block("m", ".exit.text", 0, 4)])
    assert (module_coverage(blocks, "m", ()).blocks, module_coverage(blocks, "m", ()).functions) == (1, ())


def test_a_cold_part_belongs_to_its_function() -> None:
    parts = (Function("f", ".text", 0, 10), Function("f.cold", ".text.unlikely", 0, 6), Function("g", ".text", 16, 4))
    blocks = Blocks.of("k", "r", [Block("m", ".text.unlikely", 0, 4, 3, "mouse")])
    f, g = module_coverage(blocks, "m", parts).functions
    assert (f.name, f.size, f.covered, f.hits, f.case) == ("f", 16, 4, 1, "mouse")
    assert (g.name, g.covered) == ("g", 0)


def test_a_module_that_the_kernel_lacks_is_named(built: Built) -> None:
    with pytest.raises(InputError, match=r"^uvcvideo: is no module of dir:"):
        built.coverage().module("uvcvideo")


def test_coverage_of_another_release_is_refused(built: Built) -> None:
    with pytest.raises(InputError, match=r"is 6\.1\.0-1-amd64 now, and the coverage is of 6\.1\.0-2-amd64"):
        read_coverage(Blocks.of("k", "6.1.0-2-amd64", []), built.kernel, built.objects())


def test_lines_of_a_function_are_executed_with_what_is_inlined_there(built: Built) -> None:
    files = _files(built, built.whole("probe_it", 5, "mouse"))
    lines = {line: (hits, case) for _, line, hits, case in files[_DRIVER].lines.tolist()}
    assert {line for line, (hits, _) in lines.items() if hits} == {4, 5, 6, 7, 8}
    assert {lines[line] for line in (4, 5, 6, 7, 8)} == {(5, 0)}
    assert {line for line, (hits, _) in lines.items() if not hits} == {10, 11, 12, 14, 15, 16, 17}
    assert {(line, hits) for _, line, hits, _ in files[_HEADER].lines.tolist()} == {(1, 5), (3, 5)}


def test_functions_are_on_the_lines_where_they_begin(built: Built) -> None:
    found = _files(built, built.whole("probe_it"))[_DRIVER].functions
    assert [(function.line, function.function.name) for function in found] == [
        (4, "probe_it"),
        (10, "idle"),
        (14, "fail"),
    ]


def test_without_debug_information_it_says_where_to_get_it(built: Built) -> None:
    coverage = built.coverage(built.whole("idle"))
    bare = evolve(coverage, objects=evolve(coverage.objects, debug={}))
    with pytest.raises(InputError, match="there is no debug information of it here; fetch it: usbfuzz kernel debug"):
        read_sources(bare, lambda _: None)


def test_the_tracefile_is_lcovs(built: Built) -> None:
    files = _files(built, built.whole("idle", 3), built.whole("fail", 2))
    records = tracefile([files[_DRIVER]], Path("/src")).decode()
    assert records.startswith("TN:\nSF:/src/drivers/usb/dummy.c\nFN:4,probe_it\nFN:10,idle\nFN:14,fail\n")
    assert "FNDA:0,probe_it\nFNDA:3,idle\nFNDA:2,fail\nFNF:3\nFNH:2\n" in records
    assert "DA:7,0\n" in records
    assert "DA:11,3\n" in records
    assert records.endswith(f"LF:{files[_DRIVER].known}\nLH:{files[_DRIVER].covered}\nend_of_record\n")
    assert RELEASE not in records
