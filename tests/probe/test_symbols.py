"""Names and places in a guest's kallsyms."""

from __future__ import annotations

import numpy as np
import pytest

from harness.guest.probe.layout import structure
from harness.guest.probe.reports import chain
from harness.guest.probe.symbols import arrays_of, from_arrays, parse_kallsyms

TEXT = b"""\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000100 T kfree
ffffffff81000180 t kfree.cold
ffffffff81000200 T outer
ffffffff81000300 T indirect
ffffffff81000400 T _etext
ffffffff82000000 D page_offset_base
ffffffff82000010 D something_else
ffffffffc0000000 t probe\t[driver]
ffffffffc0000040 t outer\t[driver]
ffffffffc0001000 t helper\t[library]
ffffffffc0002000 t bpf_prog_1\t[bpf]
"""


def test_a_place_is_printed_as_a_kernel_prints_it() -> None:
    symbols = parse_kallsyms(TEXT, frozenset({"page_offset_base"}))
    assert str(symbols.place(0xFFFFFFFF81000104)) == "kfree+0x4/0x80"
    assert str(symbols.place(0xFFFFFFFFC0000041)) == "outer+0x1/0xfc0 [driver]"
    assert symbols.place(0xFFFFFFFFC0002000) is None
    assert symbols.place(0x1000) is None


def test_of_the_places_that_were_asked_for_not_more_are_remembered_than_there_is_room_for() -> None:
    symbols = parse_kallsyms(TEXT, frozenset({"page_offset_base"}))
    for _ in range(2):
        for address in range(0x1000, 0x1000 + (1 << 16) + 10):
            assert symbols.place(address) is None
        assert str(symbols.place(0xFFFFFFFF81000104)) == "kfree+0x4/0x80"
    assert len(symbols._asked) <= 1 << 16


def test_the_kernels_own_function_has_the_name_that_a_module_has_too() -> None:
    symbols = parse_kallsyms(TEXT, frozenset({"page_offset_base"}))
    assert symbols.address("outer") == 0xFFFFFFFF81000200
    assert symbols.address("page_offset_base") == 0xFFFFFFFF82000000
    assert symbols.address("something_else") is None
    assert symbols.extent("kfree") == (0xFFFFFFFF81000100, 0xFFFFFFFF81000180)
    assert symbols.extent_of_kernel() == (0xFFFFFFFF81000000, 0xFFFFFFFF81000400)


def test_symbols_come_back_from_arrays() -> None:
    symbols = parse_kallsyms(TEXT, frozenset({"page_offset_base"}))
    again = from_arrays(arrays_of(symbols))
    assert again.modules == symbols.modules == ("", "driver", "library")
    assert again.data == symbols.data
    assert np.array_equal(again.addresses, symbols.addresses)
    assert str(again.place(0xFFFFFFFFC0000041)) == "outer+0x1/0xfc0 [driver]"


@pytest.mark.parametrize(
    "text", [b"", b"nonsense\n", b"0000000000000000 T _text\n0000000000000000 t probe\t[driver]\n"]
)
def test_a_kernel_that_hides_its_addresses_has_no_symbols(text: bytes) -> None:
    with pytest.raises(ValueError, match="no addresses"):
        parse_kallsyms(text, frozenset())


def test_words_left_on_the_stack_by_earlier_calls_are_not_in_a_call_chain() -> None:
    symbols = parse_kallsyms(TEXT, frozenset())
    frames = np.zeros(5, structure("frame"))
    frames["word"] = [0xFFFFFFFF81000210, 0xFFFFFFFFC0001020, 0xFFFFFFFFC0000010, 0xFFFFFFFF81000320, 0]
    frames["target"] = [0xFFFFFFFF81000100, 0xFFFFFFFF81000300, 0xFFFFFFFF81000200, 0, 0]
    assert [str(place) for place in chain(frames, symbols)] == [
        "outer+0x10/0x100",
        "probe+0x10/0x40 [driver]",  # its call leads to outer, that of library's helper led elsewhere
        "indirect+0x20/0x100",  # an indirect call may lead to anything
    ]


def test_a_part_of_a_function_that_the_compiler_split_off_is_that_function() -> None:
    symbols = parse_kallsyms(TEXT, frozenset())
    frames = np.zeros(3, structure("frame"))
    frames["word"] = [0xFFFFFFFF81000190, 0xFFFFFFFFC0001020, 0xFFFFFFFFC0000010]
    frames["target"] = [0, 0xFFFFFFFF81000300, 0xFFFFFFFF81000100]
    assert [str(place) for place in chain(frames, symbols)] == ["kfree.cold+0x10/0x80", "probe+0x10/0x40 [driver]"]
