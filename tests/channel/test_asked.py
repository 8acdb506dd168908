"""The last request of a host in words, and whether a driver can have made it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.asked import Asked
from usbfuzz.wire import Setup

_BYTE, _WORD = st.integers(0, 255), st.integers(0, 65535)
_SETUPS = st.builds(Setup, _BYTE, _BYTE, _WORD, _WORD, _WORD)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(0, Setup(0xC0, 0x2D, 1, 2, 3)), "vendor request 0x2d IN"),
        (Asked(0, Setup(0x21, 0x0A, 0, 0, 0)), "class request 0x0a OUT interface"),
        (Asked(0, Setup(0x81, 0x06, 0x2200, 0, 64)), "GET_DESCRIPTOR HID_REPORT interface"),
        (Asked(0, Setup(0x80, 0x06, 0x0301, 0, 64)), "GET_DESCRIPTOR STRING"),
        (Asked(0, Setup(0x80, 0x06, 0xEE00, 0, 64)), "GET_DESCRIPTOR 0xee"),
        (Asked(0, Setup(0x01, 0x0B, 1, 0, 0)), "SET_INTERFACE interface"),
        (Asked(0, Setup(0x44, 0x01, 1, 0, 0)), "vendor request 0x01 OUT recipient 4"),
        (Asked(0x81), "transfer IN 0x81"),
        (Asked(0x02), "transfer OUT 0x02"),
    ],
)
def test_a_request_is_named_by_what_makes_it_the_same_on_another_device(asked: Asked, words: str) -> None:
    assert asked.words == words


@given(_SETUPS)
def test_any_request_has_words_of_one_short_line(setup: Setup) -> None:
    words = Asked(0, setup).words
    assert words.isprintable()
    assert len(words) < 60


def test_what_usbcore_asks_of_any_device_is_no_drivers_request() -> None:
    before = [Setup(0x80, 6, 0x0100, 0, 18), Setup(0, 5, 7, 0, 0), Setup(0, 9, 1, 0, 0), Setup(0x80, 6, 0x0302, 9, 255)]
    assert all(Asked(0, setup).enumerates for setup in before)
    drivers = [Setup(0x81, 6, 0x2200, 0, 9), Setup(0x21, 0x0A, 0, 0, 0), Setup(0xC0, 6, 0, 0, 1), Setup(1, 11, 1, 0, 0)]
    assert not any(Asked(0, setup).enumerates for setup in drivers)
    assert not Asked(0x81).enumerates
