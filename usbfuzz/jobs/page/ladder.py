"""The conversation of a crash, ``usb.pcapng``, as steps of a ladder between host and device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from harness.channel.asked import Asked
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.pcap import Capture, Packet
from usbfuzz.importers.capture.urbs import UrbEvent, urb_of_mmapped
from usbfuzz.wire import Status

__all__ = ["Ladder", "Step", "read_ladder"]

_MAX_BYTES = 64 << 20  #: of a file
_SHOWN = 16  #: bytes of a transfer
_FIRST, _LAST = 12, 36  #: steps that are shown of a long conversation
_LINKTYPE_MMAPPED = 220


@frozen
class Step:
    """One thing that happened, or the same several times in a row."""

    at: float  #: milliseconds since the first, by our clock
    asks: bool | None  #: the host asks; the device answers; None: a device was plugged in or reset
    device: int  #: number of the plug
    text: str
    data: str = ""  #: in hex
    status: str = ""  #: how the transfer ended, unless well
    times: int = 1
    fatal: bool = False  #: the last transfer that the guest got an answer to before it died

    @property
    def kind(self) -> tuple[object, ...]:
        """What makes the next step the same."""
        return (self.asks, self.device, self.text, self.data, self.status)


@frozen
class Ladder:
    """Steps, those in the middle left out when there are many."""

    steps: tuple[Step, ...] = ()
    left_out: int = 0  #: behind step number ``head``
    head: int = 0
    why: str = ""  #: why there are none


def read_ladder(path: Path, *, died: bool) -> Ladder:
    """The steps in a capture; ``died``: the guest did in it, so that the last answer is the fatal one."""
    if not path.is_file():
        return Ladder(why="Not recorded: there is no usb.pcapng of this bug; usbfuzz replay --pcap FILE writes one.")
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
        steps = _steps(Capture(content, path.name).packets())
    except (OSError, InputError) as error:
        return Ladder(why=f"usb.pcapng cannot be read: {error}.")
    if not steps:
        return Ladder(why="usb.pcapng holds no transfers.")
    marked = _marked(steps) if died else steps
    if len(marked) <= _FIRST + _LAST + 1:
        return Ladder(tuple(marked), head=len(marked))
    return Ladder((*marked[:_FIRST], *marked[-_LAST:]), len(marked) - _FIRST - _LAST, _FIRST)


def _marked(steps: Sequence[Step]) -> list[Step]:
    """With the last answer that a living host took marked: what is cancelled was taken back, or never answered."""
    for at in range(len(steps) - 1, -1, -1):
        if steps[at].asks is False and steps[at].status != Status.CANCELLED.value:
            return [*steps[:at], evolve(steps[at], fatal=True), *steps[at + 1 :]]
    return list(steps)


@define
class _Talk:
    steps: list[Step] = field(factory=list)
    begun: int = 0
    pending: dict[tuple[int, int, int], UrbEvent] = field(factory=dict)

    def add(self, step: Step) -> None:
        if self.steps and self.steps[-1].kind == step.kind:
            self.steps[-1] = evolve(self.steps[-1], times=self.steps[-1].times + 1)
        else:
            self.steps.append(step)


def _steps(packets: Iterable[Packet]) -> list[Step]:
    talk = _Talk()
    for packet in packets:
        urb = urb_of_mmapped(packet) if packet.link_type == _LINKTYPE_MMAPPED else None
        if urb is None:
            continue
        talk.begun = talk.begun or urb.time_ns
        at = (urb.time_ns - talk.begun) / 1e6
        for remark in filter(None, packet.comment.split("; ")):
            talk.add(Step(at, None, urb.address, remark))
        key = (urb.bus, urb.address, urb.id)
        if urb.complete:
            talk.add(_answer(urb, talk.pending.pop(key, None), at))
        else:
            talk.pending[key] = urb
            talk.add(_request(urb, at))
    return talk.steps


def _request(urb: UrbEvent, at: float) -> Step:
    asked = Asked(urb.bEndpointAddress if urb.bEndpointAddress & 0x0F else 0, urb.setup)
    text = asked.words
    if setup := urb.setup:
        text = f"{text}  wValue {setup.wValue:04x} wIndex {setup.wIndex:04x} wLength {setup.wLength}"
    elif urb.is_in:
        text = f"{text}  {urb.length} bytes wanted"
    return Step(at, asks=True, device=urb.address, text=text, data=_hex(urb.data))


def _answer(urb: UrbEvent, asked: UrbEvent | None, at: float) -> Step:
    status = urb.status or Status.CANCELLED
    # usbmon's ENOENT and ECONNRESET: the host took the request back.
    status = Status.CANCELLED if status is Status.NEVER else status
    is_in = bool((asked or urb).bEndpointAddress & 0x80)
    said = f"{urb.length} byte{'s' * (urb.length != 1)}" if is_in else "taken"
    if status is not Status.OK and not urb.length:
        said = ""
    where = "" if asked is not None and asked.setup else f"0x{urb.bEndpointAddress:02x} "
    shown = "" if status is Status.OK else status.value
    return Step(at, asks=False, device=urb.address, text=f"{where}{said}".strip(), data=_hex(urb.data), status=shown)


def _hex(data: bytes) -> str:
    return data[:_SHOWN].hex(" ") + (" …" if len(data) > _SHOWN else "")
