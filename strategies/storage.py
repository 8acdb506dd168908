"""Mass storage: Bulk-Only, UAS and the vendors' own, with answers to the commands that the SCSI layer sends first."""

from __future__ import annotations

import struct

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors.uas import PipeUsageDescriptor
from usbfuzz.wire import STALL, Answer, Status, TransferType, data

from .board import Board, Interface
from .dice import Dice, Weighted
from .havoc import havoc, payload

__all__ = ["storage_function"]

BULK, INTERRUPT = TransferType.BULK, TransferType.INTERRUPT
_TYPES = Weighted({0x00: 8, 0x05: 3, 0x07: 1, 0x0E: 1, 0x01: 1, 0x03: 1, 0x0D: 1, 0x1F: 1})
_PROTOCOLS = Weighted(
    {
        (8, 6, 0x50): 12,
        (8, 6, 0x62): 5,
        (8, 5, 0x50): 1,
        (8, 4, 0x00): 1,
        (8, 2, 0x50): 1,
        (8, 6, 0x00): 1,
        (8, 5, 0x01): 1,
    }
)


def _inquiry(dice: Dice) -> bytes:
    """Standard INQUIRY data, 36 bytes. SPC-4 §6.6.2."""
    fixed = (dice.weighted(_TYPES), dice.pick((0x80, 0x00)), dice.pick((0, 2, 4, 5, 6, 0xFF)), dice.pick((0x02, 0x12)))
    more = 31 if dice.chance(0.85) else dice.pick((0, 4, 91, 250, 255))
    return struct.pack("4BB3x8s16s4s", *fixed, more, b"Maker   ", b"Memory          ", b"1.00")


def _capacity(dice: Dice) -> bytes:
    """READ CAPACITY(10) data: last block and block length, big-endian. SBC-3 §5.15."""
    blocks = dice.pick((0x3FFF, 0x3FFF, 0x1DFFFF, 0, 0xFFFFFFFE, 0xFFFFFFFF))
    return struct.pack(">II", blocks, dice.pick((512, 512, 512, 2048, 4096, 0, 1, 511, 0xFFFFFFFF)))


def _mode_sense(dice: Dice) -> bytes:
    """A MODE SENSE answer: header, perhaps a block descriptor, a caching page. SPC-4 §7.5."""
    page = bytes((0x08, dice.pick((0x12, 0x0A, 0xFF)))) + bytes(18)
    length = dice.pick((3, 3 + len(page), 0xFF, 0))
    return (bytes((length, 0, dice.pick((0, 0x80)), dice.pick((0, 8)))) + page)[: dice.pick((4, 24, 24, 192))]


def _status(dice: Dice, tag: int, failed: bool) -> bytes:
    """Command status wrapper, 13 bytes. Linux numbers its commands from 1. Bulk-Only 1.0 §5.2."""
    residue = 0 if dice.chance(0.93) else dice.pick((1, 512, 0xFFFFFFFF))
    status = 1 if failed else (0 if dice.chance(0.96) else dice.pick((1, 2, 3, 255)))
    return b"USBS" + struct.pack("<IIB", tag, residue, status)


def _sense(dice: Dice) -> bytes:
    """REQUEST SENSE data in fixed format. SPC-4 §4.5.3."""
    key, code = dice.pick(((6, 0x28), (2, 0x3A), (5, 0x20), (5, 0x24), (3, 0x11), (0, 0)))
    return struct.pack("BBB4xB4xB5x", 0x70, 0, key, 10, code)


def _conversation(dice: Dice) -> list[bytes]:
    """What the device sends, transfer by transfer: INQUIRY, TEST UNIT READY, capacity, mode pages, then sectors."""
    answers: list[bytes | None] = [_inquiry(dice)]
    if dice.chance(0.2):
        answers.append(payload(dice, dice.pick((96, 255))))
    answers += [None, _capacity(dice), _mode_sense(dice), _mode_sense(dice)]
    if dice.chance(0.4):
        answers.insert(dice.between(1, len(answers)), _sense(dice))
    answers += [payload(dice, dice.pick((512, 512, 4096)))] * dice.below(4)
    sent: list[bytes] = []
    for tag, answer in enumerate(answers, 1):
        sent += ([answer] if answer is not None else []) + [
            _status(dice, tag, failed=answer is None and dice.chance(0.2))
        ]
    return sent


def _bulk_script(dice: Dice, address: int) -> EndpointScript:
    steps = [Step(data(sent)) for sent in _conversation(dice)]
    for _ in range(dice.pick((0, 0, 0, 1, 2))):
        at = dice.below(len(steps))
        match dice.below(4):
            case 0:
                steps.insert(at, Step(STALL))
            case 1:
                steps[at] = Step(data(havoc(dice, steps[at].answer.data, 2)))
            case 2:
                steps[at] = Step(data(steps[at].answer.data[: dice.below(40)]))
            case _:
                steps.insert(at, Step(Answer(Status.OK, payload(dice, dice.pick((0, 13, 36, 512))))))
    return EndpointScript(address, tuple(steps))


def _uas_statuses(dice: Dice) -> tuple[Step, ...]:
    """Status pipe of UAS: read ready, sense and response information units, with low tags. UAS §6."""
    steps = []
    for tag in range(1, 1 + dice.between(1, 6)):
        number = struct.pack(">H", tag if dice.chance(0.9) else dice.below(0x10000))
        if dice.chance(0.6):
            steps.append(Step(data(b"\x06\x00" + number)))
        match dice.below(8):
            case 0:
                steps.append(Step(data(b"\x04\x00" + number + bytes((0, 0, 0, dice.pick((0, 2, 4, 9)))))))
            case 1:
                steps.append(Step(data(payload(dice, dice.pick((0, 1, 4, 16, 112))))))
            case _:
                sense = _sense(dice) if dice.chance(0.3) else b""
                said = len(sense) if dice.chance(0.85) else dice.pick((0xFFFF, 0x60, 0x61))
                steps.append(Step(data(b"\x03\x00" + number + struct.pack(">HB7xH", 0, 2 * bool(sense), said) + sense)))
    return tuple(steps)


def _uas(dice: Dice, board: Board) -> None:
    """Bulk-Only as setting 0, UAS with its four pipes as setting 1. UAS §5.2.3.7."""
    number = board.interface_number()
    incoming, outgoing = board.endpoint(BULK, 0x80), board.endpoint(BULK, 0)
    bulk_only = dice.chance(0.8)
    if bulk_only:
        board.add(Interface(number, (8, 6, 0x50), (incoming, outgoing)))
    pipes = []
    used = [outgoing, incoming, None, None]
    order = [1, 2, 3, 4] if dice.chance(0.85) else [dice.below(6) for _ in range(4)]
    for pipe, direction, old in zip(order, (0, 0x80, 0x80, 0), used, strict=True):
        usage = PipeUsageDescriptor(bPipeID=pipe)
        reused = old.bEndpointAddress & 15 if old else None
        pipes.append(board.endpoint(BULK, direction, number=reused, extra=usage.raw))
    board.add(Interface(number, (8, 6, 0x62), tuple(pipes), int(bulk_only)))
    board.scripts.append(EndpointScript(pipes[1].bEndpointAddress, _uas_statuses(dice)))
    answers = tuple(Step(data(sent)) for sent in (_inquiry(dice), _inquiry(dice), _capacity(dice), payload(dice, 512)))
    board.scripts.append(EndpointScript(pipes[2].bEndpointAddress, answers))


def storage_function(dice: Dice, board: Board) -> None:
    """A disk, a reader or a CD-ROM."""
    identity = board.identity
    triple = dice.weighted(_PROTOCOLS)
    if identity.bInterfaceClass is not None and identity.bInterfaceSubClass is not None:
        triple = (identity.bInterfaceClass, identity.bInterfaceSubClass, identity.bInterfaceProtocol or 0x50)
    if triple[2] == 0x62 or (identity.module == "uas" and dice.chance(0.8)):
        _uas(dice, board)
    else:
        number = board.interface_number()
        incoming, outgoing = board.endpoint(BULK, 0x80), board.endpoint(BULK, 0)
        endpoints = [incoming, outgoing]
        if triple[2] in (0x00, 0x01) or dice.chance(0.1):
            endpoints.append(board.endpoint(INTERRUPT, 0x80, size=2))
        board.add(Interface(number, triple, tuple(endpoints)))
        board.scripts.append(_bulk_script(dice, incoming.bEndpointAddress))
    if dice.chance(0.8):
        units = 0 if dice.chance(0.8) else dice.pick((1, 3, 7, 15, 255))
        board.control.append(ControlScript((Step(data(bytes((units,))), 0),), 0xA1, 0xFE))
