"""The moments of one device's conversation, and the ways to leave at each: a numbered list, each entry a case.

Nothing here runs anything, and nothing is drawn: the same packets give the same list, so that a number means the same
in every run on it. The list is counted, not built: a disk that answers megabytes has as many moments.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection
from enum import Enum
from itertools import accumulate

from attrs import define, evolve, field, frozen

from harness.channel.metered import Mark, Packet
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Provenance

__all__ = ["WAYS", "Grain", "Moment", "Plan", "Way"]


class Grain(Enum):
    """Where in the conversation moments are; values are the words of the command line."""

    BETWEEN = "between"  #: after a packet, before the next is asked for
    ASKED = "asked"  #: a packet was asked for, nothing of it has come
    BYTE = "byte"  #: within the answer, after each of its bytes


@frozen
class Way:
    """One way to leave. ``actions`` happen one after the other: the first at the moment, the others ``pause`` later."""

    name: str
    actions: tuple[Action, ...]
    pause: int = 0  #: guest milliseconds
    cuts: bool = False  #: the device itself goes, so that an answer may be cut off in the middle
    dear: bool = False  #: costs a fresh guest


#: All ways, in the order in which they are tried at a moment.
WAYS = (
    Way("unplug", (Action.UNPLUG,), cuts=True),
    Way("reset", (Action.RESET,)),
    Way("silence", (Action.SILENCE,), cuts=True),
    Way("stall", (Action.STALL,), cuts=True),
    Way("other device", (Action.UNPLUG, Action.PLUG), cuts=True),
    Way("power off", (Action.POWER_OFF, Action.POWER_ON), pause=300),
    Way("unbind", (Action.UNBIND,)),
    Way("unbind, bind", (Action.UNBIND, Action.BIND)),
    Way("suspend, resume", (Action.SUSPEND, Action.RESUME), pause=300),
    Way("deauthorize, authorize", (Action.DEAUTHORIZE, Action.AUTHORIZE)),
    Way("other configuration", (Action.CONFIGURE, Action.CONFIGURE)),
    Way("unload", (Action.UNLOAD,), dear=True),
)
_OTHERS = ("boot-mouse", "boot-keyboard")  #: models that come in a device's place: the first that is not it


@frozen
class Moment:
    """One entry: a moment, and how the device leaves then."""

    number: int
    way: Way
    mark: Mark
    before: Packet | None  #: the packet behind which it is; None: nothing was answered before
    within: Packet | None  #: the packet that is asked for and not, or not wholly, answered

    @property
    def where(self) -> str:
        """The moment in words: ``after packet 7 (80 06 0100 0000 0012)``."""
        if self.within is None:
            behind = f" ({self.before.words})" if self.before else ""
            return f"after packet {self.mark.packets}{behind}" if self.mark.packets else "before the first packet"
        into = f"after {self.mark.into} of {self.within.length} bytes of" if self.mark.into else "at"
        return f"{into} packet {self.mark.packets + 1} ({self.within.words})"


@define
class Plan:
    """All moments of one device. ``packets`` is its recorded conversation, in order."""

    case: Case  #: plugs the device in, runs programs beside, and says what the guest needs
    packets: tuple[Packet, ...]
    _parts: list[tuple[Grain, int, tuple[Way, ...], Callable[[int], Mark]]] = field(init=False)
    _bytes: list[int] = field(init=False)  #: moments within the answers up to each packet

    def __attrs_post_init__(self) -> None:
        marks = {
            Grain.BETWEEN: (len(self.packets) + 1, Mark),
            Grain.ASKED: (max(len(self.packets), 1), lambda at: Mark(at, 0)),
            Grain.BYTE: (sum(map(_inside, self.packets)), self._byte),
        }
        cheap = tuple(way for way in WAYS if not way.dear)
        dear = tuple(way for way in WAYS if way.dear)
        parts = (
            (Grain.BETWEEN, cheap),
            (Grain.ASKED, cheap),
            (Grain.BYTE, tuple(way for way in cheap if way.cuts)),
            (Grain.BETWEEN, dear),
            (Grain.ASKED, dear),
        )
        self._bytes = list(accumulate(map(_inside, self.packets)))
        self._parts = [(grain, marks[grain][0], ways, marks[grain][1]) for grain, ways in parts]

    def __len__(self) -> int:
        return sum(count * len(ways) for _, count, ways, _ in self._parts)

    def moment(self, number: int) -> Moment:
        """The entry with this number, from 0; raises IndexError."""
        left = number
        for _, count, ways, mark_of in self._parts:
            if 0 <= left < count * len(ways):
                at, nth = divmod(left, len(ways))
                return self._moment(number, ways[nth], mark_of(at))
            left -= count * len(ways)
        raise IndexError(number)

    def numbers(self, ways: Collection[str] = (), grains: Collection[Grain] = ()) -> list[int]:
        """The numbers of the moments of these ways, by their names, and of these grains.

        Where no way is named all are meant. Where no grain is, all moments are but those within a packet of a stream
        that is not the first of its endpoint and length: a camera sends hundreds of such packets, and cut at the same
        byte they are one thing to its driver.
        """
        found: list[int] = []
        first = 0
        for grain, count, mine, _ in self._parts:
            picked = [nth for nth, way in enumerate(mine) if not ways or way.name in ways]
            if not grains or grain in grains:
                places = self._telling() if grain is Grain.BYTE and not grains else range(count)
                found += [first + at * len(mine) + nth for at in places for nth in picked]
            first += count * len(mine)
        return found

    def _telling(self) -> list[int]:
        """Which of the moments between two bytes are in a control answer, or in the first packet like it."""
        ends, known, told = self._bytes, set[tuple[int, int]](), list[int]()
        for nth, packet in enumerate(self.packets):
            kind = (packet.endpoint, packet.length)
            if packet.setup is not None or kind not in known:
                told += range(ends[nth] - _inside(packet), ends[nth])
            known.add(kind)
        return told

    def case_of(self, moment: Moment) -> Case:
        """The case that plays one entry."""
        other = _other(self.case.devices[0])
        events = [*self.case.events, *self._leaving(moment)]
        replaced = any(event.device == 1 for event in events)
        title = f"{self.case.devices[0].name}: {moment.way.name} {moment.where}"
        return evolve(
            self.case,
            devices=(*self.case.devices, other) if replaced else self.case.devices,
            events=tuple(events),
            title=title,
            provenance=Provenance(source="usbfuzz stress", index=moment.number, notes=title),
        )

    def _moment(self, number: int, way: Way, mark: Mark) -> Moment:
        before = self.packets[mark.packets - 1] if 0 < mark.packets <= len(self.packets) else None
        within = self.packets[mark.packets] if mark.into is not None and mark.packets < len(self.packets) else None
        return Moment(number, way, mark, before, within)

    def _leaving(self, moment: Moment) -> list[Event]:
        events = []
        values = self._configurations()
        for nth, action in enumerate(moment.way.actions):
            event = Event(action, device=1 if action is Action.PLUG else None)
            if action is Action.CONFIGURE:
                event = evolve(event, configuration=values[nth % len(values)])
            if nth:
                event = evolve(event, after_ms=moment.way.pause)
            else:
                event = evolve(event, after_packets=moment.mark.packets, after_bytes=moment.mark.into)
            events.append(event)
        return events

    def _configurations(self) -> tuple[int, int]:
        """Another configuration than the first, -1 (unconfigured) where there is none, and the first again."""
        values = [raw[5] for raw in self.case.devices[0].configurations if len(raw) > _VALUE]
        first = values[0] if values else 1
        return next((value for value in values if value != first), -1), first

    def _byte(self, nth: int) -> Mark:
        """The mark behind the n-th byte that is not the last of its answer."""
        at = bisect_right(self._bytes, nth)
        return Mark(at, nth - (self._bytes[at - 1] if at else 0) + 1)


_VALUE = 5  #: offset of bConfigurationValue in a configuration descriptor, USB 2.0 table 9-10


def _inside(packet: Packet) -> int:
    """Moments between two bytes of an answer."""
    return max(packet.length - 1, 0)


def _other(device: DeviceSpec) -> DeviceSpec:
    """Another device that comes in the place of one."""
    name = next(name for name in _OTHERS if name != device.model)
    return DeviceSpec(name, b"", model=name)
