"""Response scripts from a capture: the imported device answers as the captured one did.

Control requests are told apart by their setup packet, and each gets its answers in the captured order. Only answers
that differ from those of a device with these descriptors and no script (:class:`usbfuzz.case.ScriptedDevice`) become a
script. The last such answer is repeated for ever, so that a driver that asks more often than the captured one gets a
plausible answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, field, frozen, mutable

from usbfuzz.case import ScriptedDevice
from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript, Step
from usbfuzz.descriptors.constants import DIRECTION_IN, RequestKind, StandardRequest
from usbfuzz.importers.model import Problem
from usbfuzz.wire import NAK, STALL, Answer, Setup, Status, TransferType

from .transfers import Transfer, asks_descriptor

__all__ = ["converse"]

_MAX_STEPS = 512  #: of one script, repeats folded
_MAX_SCRIPTS = 512  #: of control requests
_MAX_SCRIPT_BYTES = 64 << 10
_MAX_BYTES = 512 << 10  #: of all scripts of a device
_LONG_MS = 100  #: a shorter delay of a control answer is the bus's and the host's
_MAX_DELAY_MS = 60_000
_KIND = 0x60  #: bmRequestType bits 6:5


@mutable
class _Notes:
    """Problems: what exceeded the bounds, and which answers had to be filled up."""

    room: int = _MAX_BYTES
    filled: int = 0  #: answers of which the capture has only the head
    problems: list[Problem] = field(factory=list)


def converse(spec: DeviceSpec, all_: Sequence[Transfer]) -> tuple[DeviceSpec, tuple[str, ...], list[Problem]]:
    """The device with scripts for the transfers; what was made up; what exceeded the bounds."""
    notes = _Notes()
    scripted = evolve(spec, control=_control(spec, all_, notes), endpoints=tuple(_endpoints(all_, notes)))
    made_up = (f"the ends of {notes.filled} answers the capture has cut off (zeros)",) if notes.filled else ()
    return scripted, made_up, notes.problems


@frozen
class _Exchange:
    """One control request, what the device answered, and what its descriptors alone would have answered."""

    setup: Setup
    answer: Answer
    usual: bool  #: the descriptors alone give this answer


#: The channel answers these from its own state, or sees nothing of them.
_UNHEARD = {
    StandardRequest.SET_ADDRESS,
    StandardRequest.SET_CONFIGURATION,
    StandardRequest.GET_CONFIGURATION,
    StandardRequest.SET_INTERFACE,
    StandardRequest.GET_INTERFACE,
}


def _is_standard(setup: Setup) -> bool:
    return setup.bmRequestType & _KIND == RequestKind.STANDARD


def _is_heard(setup: Setup) -> bool:
    return not (_is_standard(setup) and setup.bRequest in _UNHEARD)


def _exchanges(spec: DeviceSpec, all_: Iterable[Transfer], notes: _Notes) -> Iterator[_Exchange]:
    device = ScriptedDevice(spec)
    for transfer in all_:
        if transfer.setup is None or not _is_heard(transfer.setup):
            continue
        usual = device.on_control(transfer.setup, transfer.payload)
        delay = (transfer.completed_ns - transfer.submitted_ns) // 1_000_000
        answer = Answer(transfer.status, transfer.data, min(delay, _MAX_DELAY_MS) if delay >= _LONG_MS else 0)
        if transfer.status is Status.NEVER:
            answer = Answer(Status.NEVER)
        is_usual = _is_usual(transfer, usual)
        if transfer.is_cut and not is_usual:
            answer = evolve(answer, data=transfer.data.ljust(min(transfer.length, transfer.setup.wLength), b"\0"))
            notes.filled += 1
        yield _Exchange(transfer.setup, answer, is_usual)


def _is_usual(transfer: Transfer, usual: Answer) -> bool:
    if transfer.setup is None or transfer.status is not usual.status:
        return False
    told = usual.data[: transfer.setup.wLength]
    # Hosts stop reading descriptors early, and captures cut them.
    return told.startswith(transfer.data) if asks_descriptor(transfer.setup) else told == transfer.data


def _control(spec: DeviceSpec, all_: Sequence[Transfer], notes: _Notes) -> tuple[ControlScript, ...]:
    """Scripts for the control requests whose answers the descriptors do not give."""
    requests: dict[tuple[int, int], list[_Exchange]] = {}
    for exchange in _exchanges(spec, all_, notes):
        requests.setdefault((exchange.setup.bmRequestType, exchange.setup.bRequest), []).append(exchange)
    scripts: list[ControlScript] = []
    for (bmRequestType, bRequest), said in requests.items():
        if all(exchange.usual for exchange in said):
            continue
        if blanket := _blanket(said):
            scripts.append(ControlScript((Step(blanket, times=0),), bmRequestType, bRequest))
        else:
            scripts += _by_values(said, notes)
    if len(scripts) > _MAX_SCRIPTS:
        notes.problems.append(Problem(0, f"the first {_MAX_SCRIPTS} of {len(scripts)} control requests are kept"))
    return tuple(scripts[:_MAX_SCRIPTS])


def _blanket(said: Sequence[_Exchange]) -> Answer | None:
    """The answer to a class or vendor request if it is the same for all values: accepted, or stalled."""
    first = said[0]
    is_plain = first.answer == STALL or (first.answer == Answer() and not first.setup.is_in)
    if _is_standard(first.setup) or not is_plain or any(exchange.answer != first.answer for exchange in said):
        return None
    return first.answer


def _by_values(said: Iterable[_Exchange], notes: _Notes) -> Iterator[ControlScript]:
    groups: dict[tuple[int, int], dict[int, list[_Exchange]]] = {}
    for exchange in said:
        lengths = groups.setdefault((exchange.setup.wValue, exchange.setup.wIndex), {})
        lengths.setdefault(exchange.setup.wLength, []).append(exchange)
    for lengths in groups.values():
        for wLength, same in lengths.items():
            if steps := _steps(same, notes):
                setup = same[0].setup
                pattern = (setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex)
                yield ControlScript(steps, *pattern, wLength=wLength if len(lengths) > 1 else None)


def _steps(said: Sequence[_Exchange], notes: _Notes) -> tuple[Step, ...]:
    """The answers up to the last unusual one, which holds for ever if nothing follows it."""
    unusual = [number for number, exchange in enumerate(said) if not exchange.usual]
    if not unusual:
        return ()
    setup = said[0].setup
    what = f"request {setup.bmRequestType:02x} {setup.bRequest:02x} wValue {setup.wValue:04x}"
    steps = _fold((exchange.answer for exchange in said[: unusual[-1] + 1]), what, notes)
    if unusual[-1] == len(said) - 1 and steps:
        steps[-1] = evolve(steps[-1], times=0)
    return tuple(steps)


def _fold(answers: Iterable[Answer], what: str, notes: _Notes) -> list[Step]:
    """The answers as steps, repeated ones as one; answers beyond the bounds are left out and noted."""
    steps: list[Step] = []
    room = min(notes.room, _MAX_SCRIPT_BYTES)
    kept = left_out = 0
    for answer in answers:
        if steps and not left_out and steps[-1].answer == answer:
            steps[-1] = evolve(steps[-1], times=steps[-1].times + 1)
        elif left_out or len(steps) == _MAX_STEPS or len(answer.data) > room:
            left_out += 1
            continue
        else:
            steps.append(Step(answer))
            room -= len(answer.data)
            notes.room -= len(answer.data)
        kept += 1
    if left_out:
        notes.problems.append(Problem(0, f"{what}: the first {kept} of {kept + left_out} answers are kept"))
    return steps


def _endpoints(all_: Sequence[Transfer], notes: _Notes) -> Iterator[EndpointScript]:
    """Scripts of the endpoints in the order of their first use."""
    said: dict[int, list[Transfer]] = {}
    for transfer in all_:
        if transfer.type is not TransferType.CONTROL and transfer.bEndpointAddress & 0x0F:
            said.setdefault(transfer.bEndpointAddress, []).append(transfer)
    orders = sorted(
        transfer.submitted_ns
        for transfer in all_
        if not transfer.is_in or (transfer.setup and _is_heard(transfer.setup))
    )
    for bEndpointAddress, ended in said.items():
        what = f"endpoint {bEndpointAddress:#04x}"
        if bEndpointAddress & DIRECTION_IN:
            steps = _fold(_sent(ended, orders, notes), what, notes)
        else:
            steps = _fold(_accepted(ended), what, notes)
        if steps:
            yield EndpointScript(bEndpointAddress, tuple(steps))


def _accepted(ended: Sequence[Transfer]) -> Iterator[Answer]:
    """How writes ended, up to the last that failed: after the script all are accepted."""
    answers = [Answer(transfer.status) for transfer in ended]
    failed = max((number for number, answer in enumerate(answers, 1) if answer.status is not Status.OK), default=0)
    yield from answers[:failed]


def _sent(ended: Sequence[Transfer], orders: Sequence[int], notes: _Notes) -> Iterator[Answer]:
    """What an IN endpoint sent. An answer that came only after the host had sent something waits for that again.

    Bus errors that no answer follows are the device being pulled out.
    """
    last = max(
        (number for number, transfer in enumerate(ended, 1) if transfer.status is not Status.IO_ERROR), default=0
    )
    idle_since = 0
    for transfer in ended[:last]:
        waiting_since = max(transfer.submitted_ns, idle_since)
        idle_since = transfer.completed_ns
        if transfer.status is Status.NEVER and not transfer.length:
            continue
        if bisect_right(orders, waiting_since) < bisect_left(orders, transfer.completed_ns):
            yield NAK
        yield from _answers(transfer, notes)


def _answers(transfer: Transfer, notes: _Notes) -> Iterator[Answer]:
    """A transfer's answer; of an isochronous one, one for each packet."""
    if transfer.type is not TransferType.ISOCHRONOUS or not transfer.frames:
        notes.filled += transfer.is_cut
        status = Status.OK if transfer.status is Status.NEVER else transfer.status
        yield Answer(status, transfer.data.ljust(min(transfer.length, _MAX_SCRIPT_BYTES + 1), b"\0"))
        return
    for frame in transfer.frames:
        sent = transfer.data[frame.offset : frame.offset + frame.length]
        notes.filled += len(sent) < frame.length
        yield Answer(frame.status, sent.ljust(min(frame.length, _MAX_SCRIPT_BYTES + 1), b"\0"))
