"""How a device class says which of its methods answers which transfer.

The decorators only mark a method; :func:`routes_of` turns the marks of a whole class into lookup tables once, when the
class is created, so that a transfer costs one dictionary lookup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from attrs import frozen

from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, RequestKind
from usbfuzz.wire import Answer

__all__ = [
    "ControlRoute",
    "Reply",
    "Routed",
    "Routes",
    "control_in",
    "control_out",
    "endpoint_in",
    "endpoint_out",
    "routes_of",
]

#: What a handler may return: bytes (a well-behaved answer, cut to what the host asked for), an Answer (sent as it is,
#: over-long or not), or None: OUT accepted, IN endpoint has nothing yet (NAK), control IN with no data.
Reply = Answer | bytes | None

Handler = TypeVar("Handler", bound=Callable[..., Reply])

_MARKS = "__usb_routes__"


@frozen
class ControlRoute:
    """One handler of control requests; ``None`` matches any value."""

    bmRequestType: int
    bRequest: int
    wValue: int | None
    wIndex: int | None
    handler: Callable[..., Reply]


@frozen
class Routes:
    """Lookup tables of one device class; a control key is ``bmRequestType << 8 | bRequest``."""

    control: dict[int, tuple[ControlRoute, ...]]
    endpoint: dict[int, Callable[..., Reply]]


@frozen
class _ControlMark:
    bmRequestType: int
    bRequest: int
    wValue: int | None
    wIndex: int | None


@frozen
class _EndpointMark:
    bEndpointAddress: int


class Routed:
    """Base of classes with marked methods: every subclass gets its tables when it is created."""

    _routes: ClassVar[Routes]

    def __init_subclass__(cls) -> None:
        """Build the tables."""
        super().__init_subclass__()
        cls._routes = routes_of(cls)


def control_in(
    *,
    bRequest: int,
    kind: RequestKind = RequestKind.CLASS,
    recipient: Recipient = Recipient.DEVICE,
    wValue: int | None = None,
    wIndex: int | None = None,
) -> Callable[[Handler], Handler]:
    """Mark ``method(self, setup) -> Reply`` as the answer to a control read."""
    return _marker(_ControlMark(DIRECTION_IN | kind | recipient, bRequest, wValue, wIndex))


def control_out(
    *,
    bRequest: int,
    kind: RequestKind = RequestKind.CLASS,
    recipient: Recipient = Recipient.DEVICE,
    wValue: int | None = None,
    wIndex: int | None = None,
) -> Callable[[Handler], Handler]:
    """Mark ``method(self, setup, payload) -> Reply`` as the answer to a control write."""
    return _marker(_ControlMark(kind | recipient, bRequest, wValue, wIndex))


def endpoint_in(bEndpointAddress: int) -> Callable[[Handler], Handler]:
    """Mark ``method(self, length) -> Reply`` as the source of an IN endpoint's data; ``length`` in bytes."""
    if not bEndpointAddress & DIRECTION_IN:
        raise ValueError(f"endpoint {bEndpointAddress:#04x} is an OUT endpoint; set bit 7 or use endpoint_out")
    return _marker(_EndpointMark(bEndpointAddress))


def endpoint_out(bEndpointAddress: int) -> Callable[[Handler], Handler]:
    """Mark ``method(self, payload) -> Reply`` as the sink of an OUT endpoint's data."""
    if bEndpointAddress & DIRECTION_IN:
        raise ValueError(f"endpoint {bEndpointAddress:#04x} is an IN endpoint; clear bit 7 or use endpoint_in")
    return _marker(_EndpointMark(bEndpointAddress))


def _marker(mark: _ControlMark | _EndpointMark) -> Callable[[Handler], Handler]:
    def decorate(method: Handler) -> Handler:
        vars(method).setdefault(_MARKS, []).append(mark)
        return method

    return decorate


def routes_of(cls: type) -> Routes:
    """Tables of a class. A subclass's handlers are asked before its bases'; an exact match before a wildcard.

    A method overridden without a decorator keeps the route of the method it overrides.
    """
    found: list[ControlRoute] = []
    endpoints: dict[int, Callable[..., Reply]] = {}
    for handler, mark in _marks(cls):
        if isinstance(mark, _EndpointMark):
            endpoints.setdefault(mark.bEndpointAddress, handler)
        else:
            found.append(ControlRoute(mark.bmRequestType, mark.bRequest, mark.wValue, mark.wIndex, handler))
    control: dict[int, list[ControlRoute]] = {}
    for route in found:
        control.setdefault(route.bmRequestType << 8 | route.bRequest, []).append(route)
    return Routes({key: tuple(sorted(routes, key=_wildcards)) for key, routes in control.items()}, endpoints)


def _wildcards(route: ControlRoute) -> int:
    return (route.wValue is None) + (route.wIndex is None)


def _marks(cls: type) -> Iterator[tuple[Callable[..., Reply], Any]]:
    decorated: set[str] = set()
    for base in cls.__mro__:
        for name, member in vars(base).items():
            marks = getattr(member, _MARKS, ())
            if marks and name not in decorated:
                decorated.add(name)
                yield from ((getattr(cls, name), mark) for mark in marks)
