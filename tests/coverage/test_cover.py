"""Blocks laid over ranges: the same as counting byte by byte."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.coverage import Block, Blocks
from usbfuzz.jobs.coverage.cover import Cover

_blocks = st.builds(
    Block,
    module=st.just("m"),
    section=st.just(".text"),
    offset=st.integers(0, 40),
    size=st.integers(1, 12),
    hits=st.integers(1, 9),
    case=st.sampled_from(["", "a", "b", "c"]),
)
_ranges = st.tuples(st.integers(0, 60), st.integers(0, 20))


@given(st.lists(_blocks, max_size=12), st.lists(_ranges, min_size=1, max_size=12))
def test_what_is_found_of_ranges_is_what_bytes_say(some: list[Block], ranges: list[tuple[int, int]]) -> None:
    blocks = Blocks.of("k", "r", some)
    starts = np.array([start for start, _ in ranges], "u8")
    ends = starts + np.array([size for _, size in ranges], "u8")
    found = Cover.of(blocks.at(("m", ".text"))).over(starts, ends)
    for number, (start, size) in enumerate(ranges):
        touching = [
            (byte, block)
            for byte in range(start, start + size)
            for block in blocks
            if block.offset <= byte < block.offset + block.size
        ]
        cases = sorted(block.case for _, block in touching if block.case)
        assert found.size[number] == len({byte for byte, _ in touching})
        assert found.hits[number] == max((block.hits for _, block in touching), default=0)
        assert found.case[number] == (blocks.cases.index(cases[0]) if cases else -1)
