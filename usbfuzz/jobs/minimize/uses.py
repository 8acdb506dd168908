"""What can be removed from the programs of a case: calls, fields, and that they run beside what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve

from usbfuzz.case.model import Case, Event, Use
from usbfuzz.case.parts import without_idle_uses
from usbfuzz.uses import parse_line, sound

from .reduce import Choice

__all__ = ["calls", "fields_of_calls", "lasting"]


def calls(case: Case) -> Choice:
    """Remove calls, with those that use what they gave; a program of which nothing is left goes."""
    known = [(use, line) for use, it in enumerate(case.uses) for line in range(len(it.program))]

    def make(picks: frozenset[int]) -> Case:
        gone = {known[nth] for nth in picks}
        programs = {
            use: sound([text for line, text in enumerate(it.program) if (use, line) not in gone])
            for use, it in enumerate(case.uses)
        }
        return _with(case, programs)

    return Choice(len(known), make)


def fields_of_calls(case: Case) -> Choice:
    """Remove the fields that calls set in structures, which are zero then."""
    known = [
        (use, line, nth)
        for use, it in enumerate(case.uses)
        for line, text in enumerate(it.program)
        for nth, argument in enumerate(parse_line(text).arguments)
        if argument.key
    ]

    def make(picks: frozenset[int]) -> Case:
        gone = {known[nth] for nth in picks}

        def bare(use: int, line: int, text: str) -> str:
            call = parse_line(text)
            kept = (it for nth, it in enumerate(call.arguments) if (use, line, nth) not in gone)
            return str(evolve(call, arguments=tuple(kept)))

        programs = {
            use: tuple(bare(use, line, text) for line, text in enumerate(it.program))
            for use, it in enumerate(case.uses)
        }
        return _with(case, programs)

    return Choice(len(known), make)


def lasting(case: Case) -> Choice:
    """Let what follows a use wait for its end."""
    known = [nth for nth, event in enumerate(case.events) if event.for_ms is not None]
    return Choice(
        len(known), lambda picks: _on(case, {known[nth] for nth in picks}, lambda it: evolve(it, for_ms=None))
    )


def _on(case: Case, picked: set[int], change: Callable[[Event], Event]) -> Case:
    events = (change(event) if nth in picked else event for nth, event in enumerate(case.events))
    return evolve(case, events=tuple(events))


def _with(case: Case, programs: Mapping[int, tuple[str, ...]]) -> Case:
    events = (event for event in case.events if event.use is None or programs[event.use])
    uses = (Use(programs[use]) for use in range(len(case.uses)))
    return without_idle_uses(evolve(case, uses=tuple(uses), events=tuple(events)))
