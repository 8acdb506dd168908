"""Communication devices: modems, Ethernet (ECM, NCM, MBIM, EEM), RNDIS, and device management."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors.cdc import (
    AbstractControlManagement,
    CallManagement,
    DeviceManagement,
    EthernetNetworking,
    Header,
    Mbim,
    Ncm,
    Union,
)
from usbfuzz.wire import TransferType, data

from .board import Board, Endpoint, Interface
from .dice import Dice
from .havoc import BOUNDARY_WORDS, payload
from .vendor import vendor_function

__all__ = ["cdc_function"]

BULK, INTERRUPT = TransferType.BULK, TransferType.INTERRUPT
Triple = tuple[int, int, int]


def _notifications(dice: Dice, address: int) -> EndpointScript:
    """Network connection, response available, speed change, serial state; some are cut or lie about their length."""
    steps = []
    for _ in range(dice.between(1, 5)):
        code, body = dice.pick(
            ((0x00, b""), (0x01, b""), (0x2A, struct.pack("<II", 10**8, 10**8)), (0x20, b"\x03\x00"))
        )
        said = len(body) if dice.chance(0.85) else dice.pick(BOUNDARY_WORDS)
        raw = struct.pack("<BBHHH", 0xA1, code, dice.below(2), 0, said) + body
        steps.append(Step(data(raw if dice.chance(0.85) else raw[: dice.below(10)]), dice.pick((1, 1, 3))))
    return EndpointScript(address, tuple(steps))


def _control_interface(
    dice: Dice, board: Board, triple: Triple, functional: Callable[[int, int], bytes], pair: bool
) -> int:
    """The communication interface with its header and functional descriptors; returns its number."""
    number = board.interface_number()
    if pair and dice.chance(0.4):
        board.associate(number, 2, triple)
    endpoints: tuple[Endpoint, ...] = ()
    if dice.chance(0.92):
        status = board.endpoint(INTERRUPT, 0x80, size=dice.pick((8, 16, 64)), interval=9)
        board.scripts.append(_notifications(dice, status.bEndpointAddress))
        endpoints = (status,)
    header = Header()
    board.add(Interface(number, triple, endpoints, extra=header.raw + functional(number, number + 1)))
    return number


def _data_interface(dice: Dice, board: Board, protocol: int, *, idle_setting: bool) -> int:
    """The data interface; network functions have an idle setting 0. Returns the address of its IN endpoint."""
    number = board.interface_number()
    endpoints = (board.endpoint(BULK, 0x80), board.endpoint(BULK, 0))
    if idle_setting and dice.chance(0.95):
        board.add(Interface(number, (0x0A, 0, protocol)))
        board.add(Interface(number, (0x0A, 0, protocol), endpoints, 1))
    else:
        board.add(Interface(number, (0x0A, 0, protocol), endpoints))
    return endpoints[0].bEndpointAddress


def _union(dice: Dice, master: int, slave: int) -> bytes:
    """Union functional descriptor, rarely of wrong interfaces. CDC 1.2 §5.2.3.2."""
    if not dice.chance(0.93):
        master, slave = dice.below(4), dice.below(4)
    return Union(bControlInterface=master, bSubordinateInterface=(slave,)).raw


def _ethernet(board: Board, dice: Dice) -> bytes:
    """Ethernet functional descriptor; its string is the address in hex. ECM 1.2 §5.4."""
    address = board.string("02AABBCCDD01" if dice.chance(0.93) else dice.pick(("", "02AA", "zzzzzzzzzzzz", "0" * 60)))
    return EthernetNetworking(iMACAddress=address, wMaxSegmentSize=dice.pick((1514, 1514, 0, 0xFFFF))).raw


def acm(dice: Dice, board: Board) -> None:
    """A modem (abstract control model). PSTN 1.2."""

    def functional(own: int, other: int) -> bytes:
        calls = CallManagement(bmCapabilities=dice.below(4), bDataInterface=other)
        control = AbstractControlManagement(bmCapabilities=dice.pick((2, 6, 0)))
        return calls.raw + control.raw + _union(dice, own, other)

    identity = board.identity
    protocol = identity.bInterfaceProtocol if identity.bInterfaceProtocol is not None else 1
    if dice.chance(0.07):  # everything in one interface
        number = board.interface_number()
        trio = (board.endpoint(INTERRUPT, 0x80, size=16), board.endpoint(BULK, 0x80), board.endpoint(BULK, 0))
        board.add(Interface(number, (2, 2, protocol), trio, extra=Header().raw + functional(number, number)))
        return
    _control_interface(dice, board, (2, 2, protocol), functional, pair=True)
    _data_interface(dice, board, 0, idle_setting=False)


def ecm(dice: Dice, board: Board) -> None:
    """An Ethernet adapter (Ethernet control model). ECM 1.2."""

    def functional(own: int, other: int) -> bytes:
        return _union(dice, own, other) + _ethernet(board, dice)

    _control_interface(dice, board, (2, dice.pick((6, 6, 6, 0x0A)), 0), functional, pair=True)
    _data_interface(dice, board, 0, idle_setting=True)


def _transfer_block(dice: Dice, mbim: bool) -> bytes:
    """An NTB: header, datagrams, pointer table; offsets and lengths sometimes lie. NCM 1.0 §3."""
    frames = [payload(dice, dice.pick((14, 60, 60, 200))) for _ in range(dice.between(1, 4))]
    at, body, entries = 12, b"", b""
    for frame in frames:
        entries += struct.pack("<HH", at + len(body), len(frame))
        body += frame
    if dice.chance(0.3):
        odd = dice.below(len(frames)) * 4
        entries = (
            entries[:odd]
            + struct.pack("<HH", dice.pick(BOUNDARY_WORDS), dice.pick(BOUNDARY_WORDS))
            + entries[odd + 4 :]
        )
    table = at + len(body) if dice.chance(0.85) else dice.pick(BOUNDARY_WORDS)
    size = 8 + len(entries) + 4 if dice.chance(0.85) else dice.pick(BOUNDARY_WORDS)
    pointer = struct.pack("<4sHH", b"IPS\0" if mbim else b"NCM0", size, 0) + entries + bytes(4)
    total = 12 + len(body) + len(pointer)
    return struct.pack("<4sHHHH", b"NCMH", 12, 0, total, table) + body + pointer


def _parameters(dice: Dice) -> bytes:
    """NTB parameters, 28 bytes. NCM 1.0 table 6-3."""
    sizes = (dice.pick((16384, 16384, 2048, 0, 0xFFFFFFFF)), dice.pick((16384, 4096, 0, 1, 0xFFFFFFFF)))
    modulus, remainder, alignment = dice.pick(((4, 0, 4), (4, 0, 4), (0, 0, 0), (0xFFFF, 0xFFFF, 0xFFFF), (1, 2, 3)))
    tail = (modulus, remainder, alignment, 0, modulus, remainder, alignment, dice.pick((0, 32, 1, 0xFFFF)))
    return struct.pack("<HHI4HI4H", 28, dice.pick((1, 3)), sizes[0], *tail[:4], sizes[1], *tail[4:])


def ncm(dice: Dice, board: Board, *, mbim: bool = False) -> None:
    """Ethernet in blocks, and mobile broadband which shares its transport. NCM 1.0, MBIM 1.0."""

    def functional(own: int, other: int) -> bytes:
        network = Ncm(bmNetworkCapabilities=dice.pick((0x00, 0x3F, 0xFF)))
        if mbim:
            broadband = Mbim(
                wMaxControlMessage=dice.pick((4096, 64, 0)),
                bNumberFilters=16,
                bMaxFilterSize=64,
                wMaxSegmentSize=dice.pick((1500, 0)),
                bmNetworkCapabilities=0x20,
            )
            return _union(dice, own, other) + broadband.raw
        return _union(dice, own, other) + _ethernet(board, dice) + network.raw

    _control_interface(dice, board, (2, 0x0E if mbim else 0x0D, 0), functional, pair=True)
    incoming = _data_interface(dice, board, 2 if mbim else 1, idle_setting=True)
    board.control.append(ControlScript((Step(data(_parameters(dice)), 0),), 0xA1, 0x80))
    board.control.append(ControlScript((Step(data(struct.pack("<I", dice.pick((16384, 2048, 0)))), 0),), 0xA1, 0x85))
    board.control.append(ControlScript((Step(data(struct.pack("<H", dice.pick((1514, 0, 0xFFFF)))), 0),), 0xA1, 0x87))
    steps = tuple(Step(data(_transfer_block(dice, mbim))) for _ in range(dice.between(1, 4)))
    board.scripts.append(EndpointScript(incoming, steps))


def mbim(dice: Dice, board: Board) -> None:
    """A mobile broadband modem: :func:`ncm` with MBIM's descriptors and blocks. MBIM 1.0."""
    ncm(dice, board, mbim=True)


def eem(dice: Dice, board: Board) -> None:
    """Ethernet emulation: one interface, packets with a 2-byte header. EEM 1.0."""
    incoming = board.endpoint(BULK, 0x80)
    board.add(Interface(board.interface_number(), (2, 0x0C, 7), (incoming, board.endpoint(BULK, 0))))
    frames = [
        dice.pick((0x0040, 0x3FFF, 0x8000, 0x8801, 0xB7FF)).to_bytes(2, "little") + payload(dice, 64) for _ in range(3)
    ]
    board.scripts.append(EndpointScript(incoming.bEndpointAddress, tuple(Step(data(frame)) for frame in frames)))


def _rndis_answers(dice: Dice) -> ControlScript:
    """Completions of INITIALIZE, two QUERYs (medium, address) and SET, in the order the host asks; a few lie."""

    def odd(right: int, *wrong: int) -> int:
        return right if dice.chance(0.88) else dice.pick(wrong)

    steps = [
        struct.pack("<13I", 0x80000002, 52, 1, 0, 1, 0, 1, 0, 1, odd(1580, 64, 0, 0xFFFFFFFF), odd(0, 2, 32), 0, 0)
    ]
    for request, answer in ((2, bytes(4)), (3, b"\x02\xaa\xbb\xcc\xdd\x01")):
        length, offset = odd(len(answer), 0, 5, 0xFFFF, 0xFFFFFFFF), odd(16, 0, 1024, 0xFFFFFFF0)
        head = struct.pack("<6I", 0x80000004, 24 + len(answer), request, odd(0, 0xC00000BB), length, offset)
        steps.append(head + answer)
    steps.append(struct.pack("<4I", 0x80000005, 16, 4, 0))
    return ControlScript(tuple(Step(data(sent)) for sent in steps), 0xA1, 0x01)


def rndis(dice: Dice, board: Board) -> None:
    """Remote NDIS, under one of the class codes it is found with."""

    def functional(own: int, other: int) -> bytes:
        calls = CallManagement(bmCapabilities=0, bDataInterface=other)
        return calls.raw + AbstractControlManagement(bmCapabilities=0).raw + _union(dice, own, other)

    triple = dice.pick(((2, 2, 0xFF), (0xE0, 1, 3), (0xEF, 4, 1)))
    _control_interface(dice, board, triple, functional, pair=True)
    _data_interface(dice, board, 0, idle_setting=False)
    board.control.append(_rndis_answers(dice))


def wdm(dice: Dice, board: Board) -> None:
    """Device management: one interface, an interrupt endpoint, encapsulated commands. WMC 1.1 §6.6."""
    model = DeviceManagement(bcdVersion=0x0111, wMaxCommand=dice.pick((256, 4096, 0, 0xFFFF)))
    _control_interface(dice, board, (2, 9, 0), lambda _own, _other: model.raw, pair=False)


_MODELS: Mapping[str, Callable[[Dice, Board], None]] = MappingProxyType(
    {
        "cdc_acm": acm, "cdc_ether": ecm, "cdc_ncm": ncm, "cdc_mbim": mbim, "cdc_eem": eem, "cdc_wdm": wdm,
        "rndis_host": rndis, "rndis_wlan": rndis, "huawei_cdc_ncm": ncm, "r8153_ecm": ecm, "zaurus": ecm,
    }
)  # fmt: skip


def cdc_function(dice: Dice, board: Board) -> None:
    """The communication function that the identity's driver is for, or, seldom, another one."""
    model = _MODELS.get(board.identity.module)
    if model is None or dice.chance(0.08):
        model = dice.pick((acm, ecm, ncm, mbim, eem, rndis, wdm, vendor_function))
    model(dice, board)
