"""Programs of user space are cut as far as they still mean something."""

from __future__ import annotations

from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Use
from usbfuzz.jobs.minimize.uses import calls, fields_of_calls, lasting

PROGRAM = (
    'fd = open("/dev/video*", O_RDWR)',
    "b = ioctl(fd, VIDIOC_QUERYBUF, index=1, type=1)",
    "m = mmap(fd, b.length, PROT_READ, MAP_SHARED, b.offset)",
    "touch(m)",
    "close(fd)",
)
CASE = Case(
    (DeviceSpec("camera", b"", model="camera"),),
    (Event(Action.PLUG, device=0), Event(Action.USE, use=0, for_ms=300), Event(Action.USE, use=1)),
    uses=(Use(PROGRAM), Use(("sleep(1)",))),
)


def test_a_call_goes_with_those_that_use_what_it_gave() -> None:
    choice = calls(CASE)
    assert choice.count == 6
    assert choice.make(frozenset({1})).uses[0].program == (PROGRAM[0], PROGRAM[4])
    assert choice.make(frozenset({3})).uses[0].program == (*PROGRAM[:3], PROGRAM[4])


def test_a_program_of_which_nothing_is_left_is_not_run() -> None:
    made = calls(CASE).make(frozenset({0}))
    assert made.uses == (Use(("sleep(1)",)),)
    assert made.events == (Event(Action.PLUG, device=0), Event(Action.USE, use=0))
    assert loads(dumps(made)) == made


def test_fields_are_left_out_one_by_one() -> None:
    choice = fields_of_calls(CASE)
    assert choice.count == 2
    assert choice.make(frozenset({0})).uses[0].program[1] == "b = ioctl(fd, VIDIOC_QUERYBUF, type=1)"


def test_what_follows_waits_for_the_end() -> None:
    choice = lasting(CASE)
    assert choice.count == 1
    assert [event.for_ms for event in choice.make(frozenset({0})).events] == [None] * 3
