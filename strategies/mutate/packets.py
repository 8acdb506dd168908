"""Changes of what a device sends on its endpoints."""

from __future__ import annotations

from attrs import evolve

from strategies.dice import Dice, Weighted
from strategies.havoc import payload
from strategies.pieces import ENDPOINT, of_type, split_pieces
from strategies.requests import IN_REQUESTS, OUT_REQUESTS
from strategies.responses import FAILURES
from usbfuzz.case.model import DeviceSpec, EndpointScript, RequestPattern, Step
from usbfuzz.wire import Answer, TransferType, data

from .material import Change, Material
from .steps import Kind, change_steps

__all__ = ["change_packets", "endpoint_sizes"]

_MOST_SCRIPTS = 48
_FEW_BYTES = (0, 1, 2, 3, 4, 5, 8, 9, 16, 31, 32)  #: lengths of headers, events and status blocks
_UNKNOWN_SIZE = 64  #: wMaxPacketSize of an endpoint that no configuration has
_LONGEST = 1025  #: bytes of a packet that is made anew


def endpoint_sizes(spec: DeviceSpec) -> dict[int, int]:
    """wMaxPacketSize of each bulk and interrupt endpoint, by bEndpointAddress."""
    sizes = {}
    for raw in spec.configurations:
        pieces = split_pieces(raw)
        for at in of_type(pieces, ENDPOINT):
            piece = pieces[at]
            if len(piece) >= 6 and piece[3] & 3 in (TransferType.BULK, TransferType.INTERRUPT):
                sizes[piece[2]] = int.from_bytes(piece[4:6], "little") & 0x7FF
    return sizes


def _with(spec: DeviceSpec, at: int, *scripts: EndpointScript) -> DeviceSpec:
    return evolve(spec, endpoints=(*spec.endpoints[:at], *scripts, *spec.endpoints[at + 1 :]))


def _kind(spec: DeviceSpec, bEndpointAddress: int) -> Kind:
    size = endpoint_sizes(spec).get(bEndpointAddress, _UNKNOWN_SIZE)
    return Kind((*_FEW_BYTES, size, size, size, size // 2, size + 1, 2 * size), forever=False)


def _steps(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    if not spec.endpoints:
        return _fresh(dice, spec, material)
    at = dice.below(len(spec.endpoints))
    script = spec.endpoints[at]
    steps, note = change_steps(dice, script.steps, _kind(spec, script.bEndpointAddress), material)
    return _with(spec, at, evolve(script, steps=steps)), note and f"endpoint {script.bEndpointAddress:02x}: {note}"


def _made(dice: Dice, size: int, material: Material) -> tuple[Step, ...]:
    """A few packets for an endpoint that has sent none so far."""
    steps = []
    for _ in range(dice.between(1, 4)):
        known = dice.pick(material.blocks) if material.blocks and dice.chance(0.3) else b""
        length = min(_LONGEST, dice.pick((*_FEW_BYTES, size, size, size)))
        steps.append(Step(data(known[:_LONGEST] or payload(dice, length)), dice.pick((1, 1, 2, 5))))
    return tuple(steps)


def _fresh(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """An endpoint that only kept silent (or accepted everything) has a script, or one goes on when its script ends."""
    sizes = endpoint_sizes(spec)
    if not sizes:
        return spec, ""
    taken = {script.bEndpointAddress for script in spec.endpoints}
    silent = [address for address in sizes if address not in taken and address & 0x80]
    address = dice.pick(silent) if silent and dice.chance(0.7) else dice.pick(sorted(sizes))
    if address & 0x80:
        steps = _made(dice, sizes[address], material)
    else:
        steps = (Step(Answer(), dice.pick((1, 1, 2, 4, 8))), Step(dice.weighted(FAILURES), dice.between(1, 3)))
    script = EndpointScript(address, steps)
    return evolve(spec, endpoints=(*spec.endpoints, script)), f"endpoint {address:02x}: packets of its own"


def _moved(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The packets of an endpoint come from another one, or two exchange theirs."""
    del material
    if not spec.endpoints:
        return spec, ""
    at = dice.below(len(spec.endpoints))
    script = spec.endpoints[at]
    others = [address for address in sorted(endpoint_sizes(spec)) if address != script.bEndpointAddress]
    if not others:
        return spec, ""
    address = dice.pick(others)
    changed = _with(spec, at, evolve(script, bEndpointAddress=address))
    for place, other in enumerate(spec.endpoints):
        if other.bEndpointAddress == address:
            changed = _with(changed, place, evolve(other, bEndpointAddress=script.bEndpointAddress))
    return changed, f"endpoint {script.bEndpointAddress:02x}: sends as {address:02x}"


def _dropped(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    del material
    if not spec.endpoints:
        return spec, ""
    at = dice.below(len(spec.endpoints))
    return _with(spec, at), f"endpoint {spec.endpoints[at].bEndpointAddress:02x}: no packets"


def _held(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """Packets wait for a request of the host, or do not any more."""
    del material
    if not spec.endpoints:
        return spec, ""
    at = dice.below(len(spec.endpoints))
    script = spec.endpoints[at]
    if script.after is not None:
        return _with(spec, at, evolve(script, after=None)), f"endpoint {script.bEndpointAddress:02x}: at once"
    after = RequestPattern(bmRequestType=dice.pick((*OUT_REQUESTS[:5], *IN_REQUESTS[:3], 0x01)))
    note = f"endpoint {script.bEndpointAddress:02x}: only after a request {after.bmRequestType:02x}"
    return _with(spec, at, evolve(script, after=after)), note


def _tail(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """A script ends early, and goes on as another one of the device does."""
    del material
    if len(spec.endpoints) < 2:
        return spec, ""
    at, source = dice.sample(range(len(spec.endpoints)), 2)
    mine, other = spec.endpoints[at], spec.endpoints[source]
    kept = mine.steps[: dice.below(len(mine.steps) + 1)]
    steps = (*kept, *other.steps[dice.below(len(other.steps) + 1) :])
    note = f"endpoint {mine.bEndpointAddress:02x}: goes on as {other.bEndpointAddress:02x}"
    return _with(spec, at, evolve(mine, steps=steps)), note


_CHANGES: Weighted[Change] = Weighted({_steps: 74, _fresh: 10, _moved: 4, _dropped: 3, _held: 5, _tail: 4})


def change_packets(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The device with one change of what it sends on its endpoints."""
    changed, note = dice.weighted(_CHANGES)(dice, spec, material)
    return (changed, note) if len(changed.endpoints) <= max(_MOST_SCRIPTS, len(spec.endpoints)) else (spec, "")
