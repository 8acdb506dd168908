"""The lines between supervisor, worker and generator carry every message and any bytes of a case."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.lane.outcome import Verdict
from harness.workers.lines import Lines
from harness.workers.messages import Begun, Booting, Ended, Failed
from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.errors import ProtocolError
from usbfuzz.jobs.campaign.messages import (
    CASES,
    MESSAGES,
    RANGES,
    Attributed,
    Block,
    Bound,
    CaseRange,
    Entered,
    GeneratorStart,
    LaneState,
    Made,
    RoundDone,
    Sighted,
    SightingSaved,
    Stop,
    WorkerStart,
)
from usbfuzz.wire import Answer, Status

from .pretend import case, config, report

_ROUND = RoundDone((1,), None, 1, 1, 1, 0.5, 1, 3, 9.5, (Bound("usbhid"),), ("slug",))
_STARTS = [
    WorkerStart(
        1, 0, ("python3", "-m", "x"), GeneratorStart(2**62, Path("/a"), learned=(Path("/b"),), aim=("wacom",)), config()
    ),
    WorkerStart(
        0, None, (), GeneratorStart(0, Path("a")), evolve(config(), kernel_params=("slub_debug=FZPU",), ports=1)
    ),
]
_ORDERS = [Block((1, 2, 3), alone=(2,)), Stop(hurry=True), Stop(), SightingSaved("slug", attribute=True)]
_REPLIES = [
    Entered(LaneState.ATTRIBUTING, (3,), "note"),
    Sighted(Evidence(report("WARNING in x", "WARNING in y"), case(3), "console\n\ufffd?", ("wacom",))),
    Attributed("slug", Evidence(report("a"), case(3), "", (), How.HISTORY, 2, 3, b"\x0a\xff")),
    _ROUND,
    evolve(_ROUND, verdict=Verdict.HANG),
    Failed("BootError", "it panicked"),
    Booting("it boots"),
    Begun(),
    Ended(),
]
_ALL = [
    *((MESSAGES.start, message) for message in _STARTS),
    *((MESSAGES.orders, message) for message in _ORDERS),
    *((MESSAGES.replies, message) for message in _REPLIES),
    (RANGES, CaseRange(5, 64)),
    (CASES, Made(5, case(5, ports=2))),
]


@pytest.mark.parametrize(("lines", "message"), _ALL, ids=lambda value: type(value).__name__)
def test_every_message_survives_the_pipe_as_one_line(lines: Lines[object], message: object) -> None:
    line = lines.encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert lines.decode(line) == message


@given(st.binary(max_size=64), st.integers(0, 255), st.sampled_from(Status), st.integers(0, 2**31))
def test_the_bytes_of_a_case_survive_the_pipe(raw: bytes, address: int, status: Status, delay: int) -> None:
    steps = (Step(Answer(status, raw, delay), times=0),)
    device = evolve(
        case(0).devices[0],
        device=raw,
        configurations=(raw, b""),
        strings=((4, raw),),
        reports=((0, raw),),
        control=(ControlScript(steps, bRequest=address),),
        endpoints=(EndpointScript(address, steps),),
    )
    made = Made(0, evolve(case(0), devices=(device,)))
    assert CASES.decode(CASES.encode(made)) == made


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[]\n", b'{"is":"CaseRange"}\n', b'{"is":"Nonsense"}\n', b"\xff\n", b"3\n"]
)
def test_what_is_no_message_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="generator pipe"):
        RANGES.decode(line)
