"""What devices answer: control, bulk and interrupt scripts, right, wrong, late and changing.

A driver that gets its vendor requests stalled gives up in probe; so plausible devices accept every vendor and class
request and answer reads at full length; a few send less or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from attrs import evolve

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript, RequestPattern, Step
from usbfuzz.wire import NEVER, STALL, Answer, Status, TransferType, data

from .board import Board
from .dice import Dice, Weighted
from .habits import OPENINGS
from .havoc import havoc, payload
from .requests import ACCEPT, IN_REQUESTS, OUT_REQUESTS

__all__ = ["FAILURES", "answer_control", "answer_endpoints", "change_between_reads", "disturb"]

_FULL_LENGTHS = (64, 64, 64, 255, 512)
_SHORT_LENGTHS = (0, 1, 1, 2, 3, 4, 7, 8, 9, 16)
#: How an answer fails, and the weight of each.
FAILURES = Weighted({STALL: 8, Answer(Status.IO_ERROR): 4, Answer(Status.BABBLE): 2, data(b""): 4, NEVER: 1})
_ZERO_READS = tuple(ControlScript((Step(data(bytes(64)), 0),), bmRequestType=kind) for kind in IN_REQUESTS)


def _read_answer(dice: Dice) -> Answer:
    length = dice.pick(_FULL_LENGTHS) if dice.chance(0.8) else dice.pick(_SHORT_LENGTHS)
    return Answer(Status.OK, payload(dice, length), 0 if dice.chance(0.97) else dice.pick((5, 50, 300)))


def _odd_steps(dice: Dice) -> tuple[Step, ...]:
    """A few different answers, the last one for ever."""
    steps = [Step(_read_answer(dice), dice.between(1, 4)) for _ in range(dice.below(4))]
    if dice.chance(0.3):
        steps.append(Step(dice.weighted(FAILURES), dice.between(1, 2)))
    steps.append(Step(_read_answer(dice), 0))
    return tuple(steps)


def answer_control(dice: Dice) -> tuple[ControlScript, ...]:
    """Scripts for all vendor and class requests."""
    if dice.chance(0.15):
        return (*_ZERO_READS, *ACCEPT)
    reads = tuple(ControlScript(_odd_steps(dice), bmRequestType=kind) for kind in IN_REQUESTS[: dice.between(2, 4)])
    if dice.chance(0.06):
        refusing = ControlScript(
            (Step(data(b""), dice.below(12)), Step(dice.weighted(FAILURES), dice.between(1, 3))),
            bmRequestType=dice.pick(OUT_REQUESTS[:5]),
        )
        return (*reads, refusing, *ACCEPT)
    return (*reads, *ACCEPT)


def _packet(dice: Dice, size: int, openings: Sequence[bytes]) -> bytes:
    """One IN packet: full, short, empty or too long, and mostly with one of the ``openings`` when there are any."""
    length = dice.pick((size, size, size // 2, 1, 2, 4, 5, 8, 16, 0, size + 1))
    body = payload(dice, max(0, min(length, 1025)))
    if openings and dice.chance(0.75):
        opening = dice.pick(openings)
        return opening + body[len(opening) :]
    return body


_TIMES = (1, 1, 2, 3, 10)


@cache
def _openings(module: str) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, OPENINGS.get(module, ())))


def _in_steps(dice: Dice, size: int, openings: Sequence[bytes]) -> tuple[Step, ...]:
    steps = []
    for _ in range(dice.between(1, 5)):
        if dice.chance(0.06):
            steps.append(Step(dice.weighted(FAILURES), 1))
        else:
            delay = 0 if dice.chance(0.9) else dice.pick((1, 10, 100))
            steps.append(Step(Answer(Status.OK, _packet(dice, size, openings), delay), dice.pick(_TIMES)))
    return tuple(steps)


def answer_endpoints(dice: Dice, board: Board) -> tuple[EndpointScript, ...]:
    """A script for each bulk and interrupt IN endpoint of the board, and a rare one for OUT endpoints."""
    scripts: dict[int, EndpointScript] = {}
    openings = _openings(board.identity.module) if board.tables else ()
    for endpoint in board.endpoints:
        address = endpoint.bEndpointAddress
        if address in scripts or endpoint.type in (TransferType.CONTROL, TransferType.ISOCHRONOUS):
            continue
        if address & 0x80:
            if dice.chance(0.85):
                scripts[address] = EndpointScript(address, _in_steps(dice, endpoint.wMaxPacketSize & 0x7FF, openings))
        elif dice.chance(0.03):
            steps = (Step(data(b""), dice.between(1, 4)), Step(dice.weighted(FAILURES), dice.between(1, 3)))
            scripts[address] = EndpointScript(address, steps)
    return tuple(scripts.values())


def _disturbed(dice: Dice, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if not steps:
        return (Step(dice.weighted(FAILURES), 1),)
    at = dice.below(len(steps))
    answer, times = steps[at].answer, steps[at].times
    if not answer.data or dice.chance(0.2):
        return (*steps[:at], Step(dice.weighted(FAILURES), 1), *steps[at:])
    cut = answer.data[: dice.below(len(answer.data))] if dice.chance(0.4) else havoc(dice, answer.data, 2)
    return (*steps[:at], Step(evolve(answer, data=cut), times), *steps[at + 1 :])


def disturb(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    """Break one answer of the scripts: fail it, cut it, or change some of its bytes. Returns it and what was done."""
    endpoints, control = list(spec.endpoints), list(spec.control)
    if endpoints and dice.chance(0.5):
        at = dice.below(len(endpoints))
        endpoints[at] = evolve(endpoints[at], steps=_disturbed(dice, endpoints[at].steps))
    elif control:
        at = dice.below(len(control))
        control[at] = evolve(control[at], steps=_disturbed(dice, control[at].steps))
    else:
        return spec, ""
    return evolve(spec, control=tuple(control), endpoints=tuple(endpoints)), "answer disturbed"


def _reread(dice: Dice, wValue: int, first: bytes, reads: int, later: bytes) -> tuple[ControlScript, ...]:
    """The descriptor ``wValue`` is ``later`` after some reads, or as soon as the driver has written something."""
    if dice.chance(0.5):
        steps = (Step(data(first), reads), Step(data(later), 0))
        return (ControlScript(steps, 0x80, 6, wValue),)
    return tuple(
        ControlScript((Step(data(later), 0),), 0x80, 6, wValue, after=RequestPattern(bmRequestType=written))
        for written in (0x40, 0x43, 0x21)
    )


def change_between_reads(dice: Dice, spec: DeviceSpec) -> tuple[DeviceSpec, str]:
    """The device describes itself differently later on: other counts, another class, a longer configuration.

    usb_get_device_descriptor() runs at least twice in an enumeration and again in a driver that resets the device;
    usb_get_configuration() reads 9 bytes first and then the announced total.
    """
    if dice.chance(0.5) and len(spec.device) == 18:
        later = bytearray(spec.device)
        if dice.chance(0.6):
            later[17] = dice.pick((0, 2, 8, 9, 255))
        else:
            later = bytearray(havoc(dice, spec.device, 1, first=2))
        scripts = _reread(dice, 0x0100, spec.device, dice.between(1, 5), bytes(later))
        note = "device descriptor changes between reads"
    elif spec.configurations:
        whole = spec.configurations[0]
        grown = bytearray(whole + payload(dice, dice.between(1, 64)))
        if dice.chance(0.5):
            grown[2:4] = min(len(grown), 0xFFFF).to_bytes(2, "little")
        later = grown if dice.chance(0.6) else bytearray(havoc(dice, whole, 3, first=2))
        scripts = _reread(dice, 0x0200, whole, 1, bytes(later))
        note = "configuration changes between reads"
    else:
        return spec, ""
    return evolve(spec, control=(*scripts, *spec.control)), note
