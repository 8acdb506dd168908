"""HID devices: interfaces, HID report descriptors from the grammars, and the HID reports sent afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from strategies.board import Board, Interface
from strategies.dice import Dice, Weighted
from strategies.havoc import payload
from strategies.identities import HidGroup, Identity
from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors.hid import HidDescriptor, SubordinateDescriptor
from usbfuzz.descriptors.hid_writer import HidReport
from usbfuzz.wire import TransferType, data

from .grammar import GRAMMARS, raw_reports

__all__ = ["DRIVER_KINDS", "DRIVER_REPORTS", "hid_function", "make_report"]

#: Kinds of HID report descriptors (of GRAMMARS) that a driver has code for.
DRIVER_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hid_multitouch": ("touch",),
        "hid_ntrig": ("touch", "pen"),
        "hid_elo": ("touch",),
        "hid_alps": ("touch", "mouse"),
        "hid_magicmouse": ("mouse", "touch"),
        "hid_asus": ("keyboard", "touch", "vendor"),
        "hid_elan": ("touch", "vendor"),
        "hid_cypress": ("mouse", "consumer"),
        "wacom": ("pen", "touch", "touch", "vendor"),
        "hid_waltop": ("pen",),
        "hid_uclogic": ("pen", "vendor", "pen"),
        "hid_kye": ("pen", "mouse"),
        "hid_sensor_hub": ("sensor",),
        "hid_generic": ("pid", "gamepad", "power", "anything", "touch", "pen", "sensor"),
        "usbhid": ("pid", "anything", "power"),
        "hid_apple": ("keyboard", "power"),
        "hid_logitech": ("gamepad", "pid", "consumer", "mouse"),
        "hid_dr": ("gamepad",),
        "hid_axff": ("gamepad",),
        "hid_betopff": ("gamepad",),
        "hid_emsff": ("gamepad",),
        "hid_gaff": ("gamepad",),
        "hid_holtekff": ("gamepad",),
        "hid_pl": ("gamepad",),
        "hid_sjoy": ("gamepad",),
        "hid_tmff": ("gamepad",),
        "hid_zpff": ("gamepad",),
        "hid_mf": ("gamepad",),
        "hid_bigbenff": ("gamepad",),
        "hid_sony": ("gamepad", "vendor"),
        "hid_megaworld": ("gamepad",),
        "hid_saitek": ("gamepad", "mouse"),
        "hid_microsoft": ("keyboard", "gamepad", "consumer"),
        "hid_vivaldi": ("keyboard", "consumer"),
        "hid_google_hammer": ("keyboard", "vendor"),
        "hid_winwing": ("gamepad",),
        "hid_thrustmaster": ("gamepad", "pid"),
        "hid_universal_pidff": ("pid",),
        "hid_steam": ("vendor", "mouse", "keyboard"),
    }
)

#: Reports that a driver asks for by id, in the notation of :func:`strategies.hid.grammar.raw_reports`.
DRIVER_REPORTS: Mapping[str, str] = MappingProxyType(
    {
        "aquacomputer_d5next": "i01:157 f03:809",
        "corsair_cpro": "i00:16 o00:63",
        "corsair_psu": "i00:64 o00:64",
        "hid_bigbenff": "i00:8 o01:7 o02:7",
        "hid_corsair": "i03:6",
        "hid_cp2112": "f02:15 f03:1 f05:2 f06:13 o10:3 o11:4 i13:63 o14:63 o15:2 i16:6",
        "hid_creative_sb0540": "i01:6",
        "hid_ft260": "fa0:12 fa1:11 ic0:4 oc2:3 oc1:3 id0:5 od0:5",
        "hid_gt683r": "f02:7 f01:7",
        "hid_led": "f00:8 o00:8 f01:8",
        "hid_lg_g15": "i01:4 f02:4 f05:4 f06:4 f07:4 f08:4",
        "hid_logitech_dj": "i20:14 o20:14 i21:31 o21:31 i10:6 o10:6 i11:19 o11:19",
        "hid_logitech_hidpp": "i10:6 o10:6 i11:19 o11:19 i12:63 o12:63",
        "hid_mcp2221": "i00:64 o00:64",
        "hid_nintendo": "i21:48 i30:48 i31:361 i3f:11 o01:48 o10:9 o11:48",
        "hid_picolcd": "i10:2 i11:2 i31:3 o91:1 o92:1 o93:1 o94:35 o95:35 o8f:1 fb2:16 o81:63 o82:63 o83:63 o84:63",
        "hid_playstation": "i01:63 o02:62 f05:40 f09:19 f20:63 f08:47",
        "hid_prodikeys": "i01:8 i02:3 i03:30 i04:30 o06:5",
        "hid_rmi": "i0c:60 f0f:2 i0b:60 i0a:60 o0b:60 o09:60 o0a:60",
        "hid_roccat_arvo": "f03:1 f04:4 f05:2",
        "hid_roccat_kone": "i01:5 f05:8 i03:5",
        "hid_roccat_ryos": "i03:5 f04:2 f05:2",
        "hid_sony": "i01:48 o01:48 ff2:17 ff5:7 f02:36 f81:6 fa3:48 f12:15",
        "hid_steam": "i00:64 f00:64",
        "hid_u2fzero": "i00:64 o00:64",
        "hid_wiimote": "i20:6 i21:21 i22:4 i30:2 i3d:21 o11:1 o12:2 o16:21",
    }
)

_GROUP_KINDS = {
    HidGroup.MULTITOUCH: ("touch",),
    HidGroup.MULTITOUCH_WIN_8: ("touch",),
    HidGroup.SENSOR_HUB: ("sensor",),
    HidGroup.WACOM: ("pen", "touch"),
    HidGroup.VIVALDI: ("keyboard",),
}
_ANY_KIND = Weighted(
    {
        "mouse": 3,
        "keyboard": 3,
        "consumer": 2,
        "gamepad": 4,
        "pid": 3,
        "touch": 3,
        "pen": 2,
        "sensor": 2,
        "vendor": 3,
        "power": 1,
        "anything": 4,
    }
)
_BOOT = {"keyboard": (3, 1, 1), "mouse": (3, 1, 2)}


def _kind(dice: Dice, identity: Identity) -> str:
    wanted = DRIVER_KINDS.get(identity.module) or _GROUP_KINDS.get(identity.group or 0)
    return dice.pick(wanted) if wanted and dice.chance(0.8) else dice.weighted(_ANY_KIND)


def make_report(dice: Dice, identity: Identity) -> tuple[str, HidReport]:
    """A HID report descriptor for a driver, and the kind of device it is."""
    report = HidReport()
    if (reports := DRIVER_REPORTS.get(identity.module)) and dice.chance(0.75):
        raw_reports(report, reports)
        if dice.chance(0.7):
            return "vendor", report
    kind = _kind(dice, identity)
    GRAMMARS[kind](dice, report)
    if dice.chance(0.15):
        GRAMMARS[dice.weighted(_ANY_KIND)](dice, report)
    return kind, report


def _input_script(dice: Dice, report: HidReport, address: int) -> EndpointScript | None:
    """Input reports of the sizes the descriptor announces, or nearly."""
    inputs = [(number, bits) for (kind, number), bits in report.bits.items() if kind == "input"]
    if not inputs or dice.chance(0.1):
        return None
    steps = []
    for _ in range(dice.between(1, 5)):
        number, bits = dice.pick(inputs)
        size = min((bits + 7) // 8, 1024)
        if dice.chance(0.15):
            size = dice.pick((0, 1, 2, max(0, size - 1), size + 1, size * 2)) % 1025
        body = payload(dice, size)
        steps.append(Step(data(bytes((number,)) + body[1:] if number and body else body), dice.pick((1, 1, 2, 8))))
    return EndpointScript(address, tuple(steps))


def _get_report(dice: Dice, report: HidReport, interface: int) -> list[ControlScript]:
    """Answers to GET_REPORT: right, short, of another id, or those of any class request. HID 1.11 §7.2.1."""
    scripts = []
    for (kind, number), bits in list(report.bits.items())[:8]:
        if kind == "output" or dice.chance(0.3):
            continue
        size = min((bits + 7) // 8, 1024)
        body = payload(dice, size if dice.chance(0.8) else dice.below(size + 1))
        if number and body:
            body = bytes((number if dice.chance(0.9) else dice.below(256),)) + body[1:]
        value = (0x0300 if kind == "feature" else 0x0100) | (number & 0xFF)
        scripts.append(ControlScript((Step(data(body), 0),), 0xA1, 0x01, value, interface))
    return scripts


def _interface(dice: Dice, board: Board) -> None:
    kind, report = make_report(dice, board.identity)
    raw = bytes(report.raw[:4095])
    number = board.interface_number()
    incoming = board.endpoint(
        TransferType.INTERRUPT, 0x80, size=dice.pick((8, 16, 32, 64, 64)), interval=dice.pick((1, 4, 10))
    )
    endpoints = [incoming]
    if dice.chance(0.35):
        endpoints.append(board.endpoint(TransferType.INTERRUPT, 0, size=dice.pick((8, 64, 64))))
    triple = _BOOT.get(kind, (3, 0, 0)) if dice.chance(0.7) else (3, 0, 0)
    hid = HidDescriptor(descriptors=(SubordinateDescriptor(wDescriptorLength=len(raw)),))
    board.add(Interface(number, triple, tuple(endpoints), extra=hid.raw))
    board.reports[number] = raw
    if script := _input_script(dice, report, incoming.bEndpointAddress):
        board.scripts.append(script)
    board.control += _get_report(dice, report, number)


def hid_function(dice: Dice, board: Board) -> None:
    """Put one to three HID interfaces on the board."""
    for _ in range(dice.pick((1, 1, 1, 1, 2, 2, 3))):
        _interface(dice, board)
