"""What a lane on another machine could say that cannot be true."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from harness.lane.outcome import Verdict
from tests.campaign.pretend import case, report
from usbfuzz.case.model import Action, Case, Event
from usbfuzz.coverage import Block as CodeBlock
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.jobs.campaign.messages import (
    Attributed,
    Bound,
    Entered,
    LaneState,
    Learnt,
    Manifested,
    Reached,
    RoundDone,
    Shrunk,
    Sighted,
)
from usbfuzz.jobs.cluster.messages import Covered, FoundFile, RemoteReply
from usbfuzz.jobs.engine.plan import Source

__all__ = ["GIVEN", "LIES", "TRUTHS", "Lie"]

GIVEN = (3, 4, 5)  #: cases that the lane was given; it was told of the crash ``known`` and is to learn ``rsi_usb``

_NOTHING = "# usbfuzz coverage 1\n# kernel debian:5.10.223-1\n# release 5.10.0-32-amd64\n"


@frozen
class Lie:
    """A reply, and a part of what is said of it."""

    reply: RemoteReply
    words: str


def _done(*indices: int) -> RoundDone:
    return RoundDone(
        indices=indices,
        verdict=Verdict.CLEAN,
        plugs=3,
        enumerated=3,
        requests=30,
        seconds=0.5,
        restores=0,
        dilated=0,
        worst_reply_ms=0.5,
        drivers=(Bound("usbhid"),),
        hits=(),
    )


def _evidence(**changes: Any) -> Evidence:
    whole = Evidence(report("oops in x"), case(3), "oops in x\n", ("usbhid",))
    return evolve(whole, **changes)


def _unreadable() -> Case:
    return evolve(case(3), events=(Event(Action.PLUG, port=0, device=9),))


def _reached(module: str = "uvcvideo", **changes: Any) -> Reached:
    return Reached(Source.FRESH, module, case(3), (evolve(CodeBlock("uvcvideo", ".text", 64, 8), **changes),))


TRUTHS: tuple[RemoteReply, ...] = (
    Entered(LaneState.RUNNING, GIVEN),
    Sighted(_evidence()),
    Attributed("known", _evidence(hits=2, runs=2)),
    Manifested("known", _evidence()),
    Shrunk("known", Minimized(case(3), 10, 10, 50, 1.5, 100, 10, complete=True), "oops in x\n"),
    _reached(),
    Learnt("rsi_usb", "", "nothing"),
    evolve(_done(3, 4), hits=("known",)),
    _done(),
    _done(5),
)

LIES: dict[str, Lie] = {
    "it runs a case that it was not given": Lie(Entered(LaneState.RUNNING, (3, 7)), "case 7"),
    "it has run a case that it was not given": Lie(_done(3, 99), "case 99"),
    "it has run a case twice": Lie(_done(3, 3), "twice"),
    "a round has a count below zero": Lie(evolve(_done(3), plugs=-5), "counts -5"),
    "a round took no time that there is": Lie(evolve(_done(3), seconds=float("nan")), "counts nan"),
    "a round hit a crash that is not there": Lie(evolve(_done(3), hits=("../../etc",)), "'../../etc'"),
    "it attributes a crash that it was not told of": Lie(Attributed("other", _evidence()), "'other'"),
    "it notes what a crash led to that it was not told of": Lie(Manifested("other", _evidence()), "'other'"),
    "a report has no title": Lie(Sighted(_evidence(report=report(""))), "without a title"),
    "a report has no console": Lie(Sighted(_evidence(console="")), "without a console"),
    "a case was seen more often than it ran": Lie(Attributed("known", _evidence(hits=9, runs=2)), "counts -7"),
    "the case of a report cannot be read": Lie(Sighted(_evidence(case=_unreadable())), "cannot be read"),
    "code is in no module": Lie(_reached(module="a\tb"), "module 'a\\tb'"),
    "code is of no module": Lie(evolve(_reached(), blocks=(CodeBlock("x y", ".text", 0, 4),)), "module 'x y'"),
    "code is in no section": Lie(_reached(section=".te\nxt"), "section"),
    "code is before its section": Lie(_reached(offset=-4), "counts -4"),
    "it has learned what it was not told to": Lie(Learnt("../../etc/cron.d/x", "root", ""), "not told to"),
    "what it has learned cannot be read": Lie(Learnt("rsi_usb", "format = 1\nwhat", ""), "what it has learned:2"),
    "coverage is none": Lie(Covered("surprise\n"), "coverage:1"),
    "coverage is of another kernel": Lie(Covered(_NOTHING.replace("5.10.223-1", "6.1")), "coverage is of debian:6.1"),
    "coverage has a line that is none": Lie(Covered(f"{_NOTHING}../..\n"), "coverage:4"),
    "a case file would lie somewhere else": Lie(FoundFile("../../../etc/passwd", "x"), "'../../../etc/passwd'"),
    "a case file is none": Lie(FoundFile("case-000003", "x"), "cannot be read"),
}
