"""What can be removed or simplified in a case besides descriptor bytes: events, devices, answers, waits, parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import evolve

from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Step
from usbfuzz.case.parts import without_idle_uses
from usbfuzz.wire import Speed

from .reduce import Choice

__all__ = [
    "configurations",
    "delays",
    "devices",
    "events",
    "exercise",
    "extras",
    "firmware",
    "kernel_params",
    "placement",
    "plain_steps",
    "plain_waits",
    "speeds",
    "steps",
    "tidy",
    "waits",
]


_Number = TypeVar("_Number", int, int | None)


def tidy(case: Case) -> Case:
    """The case without what has no effect: events where nothing is plugged, devices and programs never used."""
    plugged: set[int] = set()
    kept: list[Event] = []
    for event in case.events:
        if event.action is Action.PLUG:
            plugged.add(event.port)
        if event.port in plugged:
            kept.append(event)
    used = sorted({event.device for event in kept if event.device is not None})
    number = {old: new for new, old in enumerate(used)}
    moved = (event if event.device is None else evolve(event, device=number[event.device]) for event in kept)
    return without_idle_uses(evolve(case, devices=tuple(case.devices[old] for old in used), events=tuple(moved)))


def devices(case: Case) -> Choice:
    """Remove devices, with the events that plug them in."""

    def make(picks: frozenset[int]) -> Case:
        kept = (event for event in case.events if event.device is None or event.device not in picks)
        return tidy(evolve(case, events=tuple(kept)))

    return Choice(len(case.devices), make)


def firmware(case: Case) -> Choice:
    """Remove files of firmware, and the second half of each."""
    count = len(case.firmware)

    def make(picks: frozenset[int]) -> Case:
        kept = (
            evolve(file, data=file.data[: len(file.data) // 2]) if count + at in picks else file
            for at, file in enumerate(case.firmware)
            if at not in picks
        )
        return evolve(case, firmware=tuple(kept))

    return Choice(2 * count, make)


def events(case: Case) -> Choice:
    """Remove steps of the schedule, with those at a port where then nothing is plugged."""

    def make(picks: frozenset[int]) -> Case:
        return tidy(evolve(case, events=tuple(event for nth, event in enumerate(case.events) if nth not in picks)))

    return Choice(len(case.events), make)


#: Parts that a device need not have: those it may have several of, and those that are bytes.
_EXTRAS = ("strings", "reports", "control", "endpoints")
_BLOBS = ("bos", "qualifier")


def extras(case: Case) -> Choice:
    """Remove strings, HID report descriptors, response scripts, BOS and device qualifier, each as a whole."""
    known = [
        (number, name, at)
        for number, device in enumerate(case.devices)
        for name in (*_EXTRAS, *_BLOBS)
        for at in range(len(getattr(device, name)) if name in _EXTRAS else bool(getattr(device, name)))
    ]

    def make(picks: frozenset[int]) -> Case:
        gone = {known[nth] for nth in picks}
        return evolve(case, devices=tuple(_bared(number, device, gone) for number, device in enumerate(case.devices)))

    return Choice(len(known), make)


def _bared(number: int, device: DeviceSpec, gone: set[tuple[int, str, int]]) -> DeviceSpec:
    changes: dict[str, Any] = {
        name: tuple(item for at, item in enumerate(getattr(device, name)) if (number, name, at) not in gone)
        for name in _EXTRAS
    }
    changes |= {name: b"" for name in _BLOBS if (number, name, 0) in gone}
    return evolve(device, **changes)


_COUNT = 17  #: offset of bNumConfigurations


def configurations(case: Case) -> Choice:
    """Remove configurations; bNumConfigurations is lowered by as many."""
    known = [(number, at) for number, device in enumerate(case.devices) for at in range(len(device.configurations))]

    def make(picks: frozenset[int]) -> Case:
        gone = {known[nth] for nth in picks}
        return evolve(case, devices=tuple(_fewer(number, device, gone) for number, device in enumerate(case.devices)))

    return Choice(len(known), make)


def _fewer(number: int, device: DeviceSpec, gone: set[tuple[int, int]]) -> DeviceSpec:
    kept = tuple(raw for at, raw in enumerate(device.configurations) if (number, at) not in gone)
    head = bytearray(device.device)
    if len(head) > _COUNT:
        head[_COUNT] = max(0, head[_COUNT] - (len(device.configurations) - len(kept)))
    return evolve(device, device=bytes(head), configurations=kept)


def _on_steps(case: Case, change: Callable[[Step], Step | None]) -> Choice:
    """One change for each step of a response script that ``change`` alters; when it returns None, the step goes."""
    known = [
        (number, name, at, nth)
        for number, device in enumerate(case.devices)
        for name in ("control", "endpoints")
        for at, script in enumerate(getattr(device, name))
        for nth, step in enumerate(script.steps)
        if change(step) != step
    ]

    def make(picks: frozenset[int]) -> Case:
        picked = {known[nth] for nth in picks}

        def scripts(number: int, device: DeviceSpec, name: str) -> Iterator[Any]:
            for at, script in enumerate(getattr(device, name)):
                changed = (
                    change(step) if (number, name, at, nth) in picked else step for nth, step in enumerate(script.steps)
                )
                yield evolve(script, steps=tuple(filter(None, changed)))

        return evolve(
            case,
            devices=tuple(
                evolve(
                    device,
                    control=tuple(scripts(number, device, "control")),
                    endpoints=tuple(scripts(number, device, "endpoints")),
                )
                for number, device in enumerate(case.devices)
            ),
        )

    return Choice(len(known), make)


def steps(case: Case) -> Choice:
    """Remove single answers of response scripts."""
    return _on_steps(case, lambda _: None)


def delays(case: Case) -> Choice:
    """Set delays of answers to 0."""
    return _on_steps(case, lambda step: evolve(step, answer=evolve(step.answer, delay_ms=0)))


def plain_steps(case: Case) -> Choice:
    """Give repeated answers once only; set delays to a round number."""
    return _on_steps(case, _plain_step)


def _plain_step(step: Step) -> Step:
    rounded = evolve(step.answer, delay_ms=_round(step.answer.delay_ms))
    return evolve(step, times=min(step.times, 1), answer=rounded)


def _on_events(case: Case, change: Callable[[Event], Event]) -> Choice:
    known = [nth for nth, event in enumerate(case.events) if change(event) != event]

    def make(picks: frozenset[int]) -> Case:
        picked = {known[nth] for nth in picks}
        return evolve(
            case, events=tuple(change(event) if nth in picked else event for nth, event in enumerate(case.events))
        )

    return Choice(len(known), make)


def waits(case: Case) -> Choice:
    """Turn waits for requests and milliseconds into waits until the guest has settled."""
    return _on_events(case, lambda event: evolve(event, after_ms=None, after_requests=None))


def plain_waits(case: Case) -> Choice:
    """Set waits to a round number of milliseconds."""
    return _on_events(case, lambda event: evolve(event, after_ms=_round(event.after_ms)))


def _round(number: _Number) -> _Number:
    """Rounded down to one significant digit: 1372 to 1000."""
    if not number:
        return number
    unit: int = 10 ** (len(str(number)) - 1)
    return number // unit * unit


def placement(case: Case) -> Choice:
    """Move the devices to the lowest ports."""
    used = sorted({event.port for event in case.events})
    number = {port: nth for nth, port in enumerate(used)}
    moved = evolve(case, events=tuple(evolve(event, port=number[event.port]) for event in case.events))
    return _whole(case, moved)


def speeds(case: Case) -> Choice:
    """Set bus speeds to high speed."""
    known = [number for number, device in enumerate(case.devices) if device.speed is not Speed.HIGH]

    def make(picks: frozenset[int]) -> Case:
        picked = {known[nth] for nth in picks}
        return evolve(
            case,
            devices=tuple(
                evolve(device, speed=Speed.HIGH) if number in picked else device
                for number, device in enumerate(case.devices)
            ),
        )

    return Choice(len(known), make)


def exercise(case: Case) -> Choice:
    """Do without opening device nodes once the devices are there."""
    return _whole(case, evolve(case, guest=evolve(case.guest, exercise=False)))


def kernel_params(case: Case) -> Choice:
    """Remove words of the kernel command line; each set of them needs a guest booted with it."""
    words = case.guest.kernel_params

    def make(picks: frozenset[int]) -> Case:
        kept = tuple(word for nth, word in enumerate(words) if nth not in picks)
        return evolve(case, guest=evolve(case.guest, kernel_params=kept))

    return Choice(len(words), make)


def _whole(case: Case, other: Case) -> Choice:
    """One change, from ``case`` to ``other``; none when they are equal."""
    return Choice(int(case != other), lambda picks: other if picks else case)
