"""Cases that hold anything a case file can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from usbfuzz.case.limits import MAX_PROCESSORS
from usbfuzz.case.model import (
    Action,
    Case,
    ControlScript,
    DeviceSpec,
    EndpointScript,
    Event,
    Expectation,
    Firmware,
    GuestNeeds,
    Provenance,
    RequestPattern,
    Schedule,
    Step,
    Use,
)
from usbfuzz.wire import Answer, Speed, Status

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
RAW = st.binary(max_size=40)
U8, U16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
COUNT = st.integers(0, 1000)
STEPS = st.lists(st.builds(Step, st.builds(Answer, st.sampled_from(Status), RAW, COUNT), COUNT), max_size=3).map(tuple)
PATTERN = {
    "bmRequestType": st.none() | U8,
    "bRequest": st.none() | U8,
    "wValue": st.none() | U16,
    "wIndex": st.none() | U16,
    "wLength": st.none() | U16,
}


def numbered(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[tuple[int, bytes], ...]]:
    return st.dictionaries(U8, values, max_size=3).map(lambda found: tuple(found.items()))


DEVICES = st.builds(
    DeviceSpec,
    name=TEXT,
    device=RAW,
    configurations=st.lists(RAW, max_size=3).map(tuple),
    speed=st.sampled_from(Speed),
    strings=numbered(RAW | TEXT.map(lambda text: bytes((2 + 2 * len(text), 3)) + text.encode("utf-16-le"))),
    reports=numbered(RAW),
    bos=RAW,
    qualifier=RAW,
    control=st.lists(
        st.builds(ControlScript, STEPS, **PATTERN, after=st.none() | st.builds(RequestPattern, **PATTERN)), max_size=2
    ).map(tuple),
    endpoints=st.lists(st.builds(EndpointScript, U8, STEPS), max_size=2).map(tuple),
) | st.builds(DeviceSpec, name=TEXT, device=st.just(b""), model=st.sampled_from(["disk", "mouse"]))
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
EXPECTATIONS = st.builds(
    Expectation,
    TEXT,
    TEXT,
    TEXTS,
    st.integers(1, 100),
    drivers=st.none() | TEXTS,
    log=st.none() | TEXTS,
    userspace=st.none() | TEXTS.map(lambda texts: tuple(f"{text}: {text}" for text in texts)),
)
FIRMWARE = st.builds(Firmware, st.sampled_from(("a.fw", "ath9k_htc/htc_9271-1.4.0.fw", "x/y/(z)+1")), RAW)
TIMING = {"after_ms": st.none() | COUNT, "after_requests": st.none() | COUNT}
USES = st.lists(
    st.sampled_from(
        (
            'fd = open("/dev/hidraw*", O_RDWR)',
            'fd = open("/dev/hidraw*", O_RDWR)\nwrite(fd, "00 01" * 4)\nclose(fd)',
            "thread\nhold until unplugged",
            "sleep(10)\nrepeat 3 times",
        )
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: Use(tuple("\n".join(parts).split("\n"))))


@st.composite
def guests(draw: st.DrawFn) -> GuestNeeds:
    """What a guest must be booted with, and how its processors take turns."""
    schedule = Schedule(
        shift=draw(st.integers(0, 10)), turn_us=draw(st.integers(0, 1_000_000)), late=draw(st.integers(0, 1000))
    )
    return GuestNeeds(
        kernel_params=draw(st.lists(TEXT, max_size=2).map(tuple)),
        exercise=draw(st.booleans()),
        processors=draw(st.integers(1, MAX_PROCESSORS)),
        schedule=draw(st.sampled_from((Schedule(), schedule))),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case."""
    devices = draw(st.lists(DEVICES, min_size=1, max_size=3).map(tuple))
    plug = st.builds(Event, st.just(Action.PLUG), st.integers(0, 3), device=st.integers(0, len(devices) - 1), **TIMING)
    first = draw(st.lists(plug, max_size=3))
    events = tuple(first)
    if first:
        ports = st.sampled_from([event.port for event in first])
        other = st.builds(Event, st.sampled_from([Action.UNPLUG, Action.RESET]), ports, **TIMING)
        events += tuple(draw(st.lists(other, max_size=3)))
    uses = draw(st.lists(USES, max_size=2).map(tuple))
    if first and uses:
        timed = {"for_ms": st.none() | COUNT, **TIMING}
        used = st.builds(Event, st.just(Action.USE), ports, use=st.integers(0, len(uses) - 1), **timed)
        events += tuple(draw(st.lists(used, max_size=2)))
    return Case(
        devices=devices,
        events=events,
        uses=uses,
        firmware=draw(st.lists(FIRMWARE, max_size=2, unique_by=lambda file: file.name).map(tuple)),
        title=draw(TEXT),
        guest=draw(guests()),
        expect=draw(st.lists(EXPECTATIONS, max_size=2).map(tuple)),
        provenance=draw(
            st.builds(Provenance, TEXT, st.none() | st.integers(0, 2**64 - 1), st.none() | COUNT, TEXT, TEXT)
        ),
    )
