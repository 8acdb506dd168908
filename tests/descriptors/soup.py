"""Hypothesis strategies for descriptor bytes that are almost right, which is where parsers go wrong."""

from __future__ import annotations

from hypothesis import strategies as st

bytes_ = st.binary(max_size=40)
numbers = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 31, 200])
codes = (
    *((1, 1, 0x00), (1, 2, 0x00), (1, 1, 0x20), (1, 2, 0x20), (1, 1, 0x30), (1, 2, 0x30), (1, 3, 0x00)),
    *((2, 6, 0x00), (3, 1, 0x01), (7, 1, 0x04), (8, 6, 0x62), (10, 0, 1), (11, 0, 0), (14, 1, 1), (14, 2, 1)),
    *((0xFE, 1, 2), (0xE0, 1, 3), (0xEF, 4, 1), (0xFF, 0xFF, 0xFF)),
)
triples = st.sampled_from(codes)
interfaces = st.builds(
    lambda number, alternate, count, triple: bytes((9, 4, number, alternate, count, *triple, 0)),
    numbers,
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from([0, 1, 2, 4, 255]),
    triples,
)
addresses = st.sampled_from([0x81, 0x01, 0x82, 0x02, 0x91, 0x80, 0x00, 0xE3]) | st.integers(0, 255)
endpoints = st.builds(
    lambda length, address, attributes, rest: bytes((length, 5, address, attributes)) + rest[: length - 4],
    st.sampled_from([6, 7, 7, 7, 9]),
    addresses,
    st.integers(0, 255),
    st.binary(min_size=5, max_size=5),
)
companions = st.builds(
    lambda burst, bits: bytes((6, 0x30, burst, bits, 0, 4)), st.integers(0, 255), st.integers(0, 255)
)
tagged = st.builds(
    lambda kind, subtype, body: bytes((len(body) + 3, kind, subtype)) + body,
    st.sampled_from([0x24, 0x24, 0x24, 0x25, 0x21, 0x10, 0x0B, 0x29, 0x26, 2, 4, 5]),
    st.integers(0, 0x1C),
    bytes_,
)
pieces = st.one_of(interfaces, interfaces, endpoints, endpoints, companions, tagged, tagged)
soups = st.lists(pieces, max_size=14).map(b"".join)
anything = st.one_of(st.binary(max_size=200), soups, st.builds(lambda soup, tail: soup + tail, soups, bytes_))


def configuration(body: bytes, total: int | None = None, interfaces: int = 1) -> bytes:
    """A configuration descriptor before ``body``, with a correct wTotalLength unless ``total`` says otherwise."""
    length = 9 + len(body) if total is None else total
    return bytes((9, 2, length & 0xFF, length >> 8 & 0xFF, interfaces, 1, 0, 0x80, 50)) + body


configurations = st.one_of(
    anything,
    anything.map(configuration),
    anything.map(configuration),
    st.builds(configuration, anything, st.integers(0, 300)),
)
