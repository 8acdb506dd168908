"""Which slab cache an object is of: by its page, also where that is not the first of its slab."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import compile_driver, run

DIRECT_MAP, VMEMMAP = 0xFFFF888000000000, 0xFFFFEA0000000000
CACHE = DIRECT_MAP + 0x4000
SLAB = 0x7228  #: the frame number of the first of its four pages
OBJECT_SIZE, ROOM = 700, 704
PLAIN = 0xFFFFEA0000000000 + 64 * SLAB + 1  #: as in kernels before 7.0
MASK = (-1 << 8 & (1 << 64) - 1) | 1  #: pages of 64 bytes each, four of them


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("slabs")
    return compile_driver("slabs_driver", ("slabs.c",), directory, "-fsanitize=address,undefined")


def _slot(driver: Path, address: int, tails: int, cache: int = CACHE, sizes: int = OBJECT_SIZE << 32 | ROOM) -> str:
    memory = {VMEMMAP + 64 * SLAB + 8: cache, CACHE + 24: sizes}
    memory |= {VMEMMAP + 64 * (SLAB + number) + 8: tails for number in (1, 2, 3)}
    lines = "".join(f"mem {at:x} {value:x}\n" for at, value in memory.items())
    return run(driver, text=f"{lines}slot {address:x}\n")[0]


@pytest.mark.parametrize("tails", [PLAIN, MASK], ids=["the address of the first page", "a mask that leads there"])
@pytest.mark.parametrize("page", range(4))
def test_an_object_on_any_page_of_a_slab_is_of_its_cache(driver: Path, tails: int, page: int) -> None:
    address = DIRECT_MAP + ((SLAB + page) << 12) + 0x340
    assert _slot(driver, address, tails) == f"{CACHE:x} {OBJECT_SIZE} {ROOM} 0"


@pytest.mark.parametrize("tails", [1, 3, 0xFFFFFFFFFFFFFFFF, 0xFFFF888000000001])
def test_a_page_that_leads_nowhere_is_of_no_cache(driver: Path, tails: int) -> None:
    assert _slot(driver, DIRECT_MAP + ((SLAB + 1) << 12), tails) == "unknown"


@pytest.mark.parametrize("sizes", [0, ROOM, (ROOM + 1) << 32 | ROOM, 70000 << 32 | 70000])
def test_a_cache_with_sizes_that_cannot_be_is_not_believed(driver: Path, sizes: int) -> None:
    assert _slot(driver, DIRECT_MAP + (SLAB << 12), PLAIN, sizes=sizes) == "unknown"


def test_a_cache_outside_of_the_direct_map_is_not_believed(driver: Path) -> None:
    assert _slot(driver, DIRECT_MAP + (SLAB << 12), PLAIN, cache=0x1000) == "unknown"
