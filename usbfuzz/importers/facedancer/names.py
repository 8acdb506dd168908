"""Facedancer's enumerations, and the functions it has for items of HID report descriptors."""

from __future__ import annotations

from collections.abc import Mapping

from usbfuzz.descriptors.constants import ClassCode, DescriptorType, Recipient, StandardRequest
from usbfuzz.descriptors.strings import ENGLISH_US
from usbfuzz.wire import Speed, TransferType

__all__ = ["ENUMERATIONS", "ITEMS", "MAIN_ITEMS", "SIZES", "SPEEDS"]

SPEEDS = {1: Speed.LOW, 2: Speed.FULL, 3: Speed.HIGH, 4: Speed.SUPER}  #: DeviceSpeed

_KEYS = {
    **{chr(ord("A") + i): 4 + i for i in range(26)},
    **{f"NUM_{(i + 1) % 10}": 0x1E + i for i in range(10)},
    **{f"F{i + 1}": 0x3A + i for i in range(12)},
    **{name: 0xE0 + i for i, name in enumerate(("LEFTCTRL", "LEFTSHIFT", "LEFTALT", "LEFTMETA"))},
    **{name: 0xE4 + i for i, name in enumerate(("RIGHTCTRL", "RIGHTSHIFT", "RIGHTALT", "RIGHTMETA"))},
    "NONE": 0,
    "ERR_OVF": 1,
    "ENTER": 0x28,
    "ESC": 0x29,
    "BACKSPACE": 0x2A,
    "TAB": 0x2B,
    "SPACE": 0x2C,
    "COMPOSE": 0x65,
    "POWER": 0x66,
}

_DESCRIPTOR_TYPES = {member.name: member.value for member in DescriptorType} | {"HID": 0x21, "REPORT": 0x22}

ENUMERATIONS: Mapping[str, Mapping[str, int]] = {
    "USBDirection": {"OUT": 0, "IN": 1},
    "USBTransferType": {member.name: member.value for member in TransferType},
    "USBSynchronizationType": {"NONE": 0, "ASYNC": 1, "ADAPTIVE": 2, "SYNCHRONOUS": 3},
    "USBUsageType": {"DATA": 0, "FEEDBACK": 1, "IMPLICIT_FEEDBACK": 2},
    "USBDeviceClass": {member.name: member.value for member in ClassCode} | {"COMPOSITE": 0, "IMAGE": 6},
    "USBDescriptorTypeNumber": _DESCRIPTOR_TYPES,
    "DescriptorTypes": _DESCRIPTOR_TYPES,
    "USBStandardRequests": {member.name: member.value for member in StandardRequest},
    "USBRequestRecipient": {member.name: member.value for member in Recipient},
    "USBRequestType": {"STANDARD": 0, "CLASS": 1, "VENDOR": 2, "RESERVED": 3},
    "DeviceSpeed": {speed.name: number for number, speed in SPEEDS.items()},
    "LanguageIDs": {"ENGLISH_US": ENGLISH_US, "ENGLISH_UNITED_KINGDOM": 0x0809, "GERMAN_STANDARD": 0x0407},
    "HIDCollection": {
        "PHYSICAL": 0,
        "APPLICATION": 1,
        "LOGICAL": 2,
        "REPORT": 3,
        "NAMED_ARRAY": 4,
        "USAGE_SWITCH": 5,
        "USAGE_MODIFIER": 6,
        "VENDOR": 0xFF,
    },
    "HIDUsagePage": {
        "GENERIC_DESKTOP": 1,
        "SIMULATION": 2,
        "VR": 3,
        "SPORT": 4,
        "GAME": 5,
        "GENERIC": 6,
        "KEYBOARD": 7,
        "LEDS": 8,
        "BUTTONS": 9,
        "ORDINAL": 10,
        "TELEPHONY": 11,
        "CONSUMER": 12,
        "DIGITIZER": 13,
        "PID": 15,
        "UNICODE": 0x10,
        "ALPHANUMERIC_DISPLAY": 0x14,
        "MEDICAL_INSTRUMENTS": 0x40,
        "BARCODE_SCANNER": 0x8C,
        "SCALE": 0x8D,
        "MAGNETIC_STRIPE": 0x8E,
        "CAMERA_CONTROL": 0x90,
        "ARCADE": 0x91,
    },
    "HIDGenericDesktopUsage": {
        "POINTER": 1,
        "MOUSE": 2,
        "JOYSTICK": 4,
        "GAMEPAD": 5,
        "KEYBOARD": 6,
        "KEYPAD": 7,
        **{name: 0x30 + i for i, name in enumerate(("X", "Y", "Z", "RX", "RY", "RZ", "SLIDER", "DIAL", "WHEEL"))},
        "MULTIAXIS_CONTROLLER": 8,
        "TABLET_PC_SYSTEM_CONTROLS": 9,
        "HAT_SWITCH": 0x39,
        "START": 0x3D,
        "SELECT": 0x3E,
        **{name: 0x40 + i for i, name in enumerate(("VX", "VY", "VZ", "VBRX", "VBRY", "VBRZ", "VNO"))},
        "SYSTEM_CONTROL": 0x80,
        "SYSTEM_POWER_DOWN": 0x81,
        "SYSTEM_SLEEP": 0x82,
        "SYSTEM_WAKE_UP": 0x83,
        **{name: 0x90 + i for i, name in enumerate(("DPAD_UP", "DPAD_DOWN", "DPAD_RIGHT", "DPAD_LEFT"))},
    },
    "KeyboardKeys": _KEYS,
}  #: what declarations use of them

#: prefixes of short items, without their size. HID 1.11 §6.2.2
ITEMS = {
    "COLLECTION": 0xA0,
    "END_COLLECTION": 0xC0,
    "USAGE_PAGE": 0x04,
    "LOGICAL_MINIMUM": 0x14,
    "LOGICAL_MAXIMUM": 0x24,
    "PHYSICAL_MINIMUM": 0x34,
    "PHYSICAL_MAXIMUM": 0x44,
    "UNIT_EXPONENT": 0x54,
    "UNIT": 0x64,
    "REPORT_SIZE": 0x74,
    "REPORT_ID": 0x84,
    "REPORT_COUNT": 0x94,
    "PUSH": 0xA4,
    "POP": 0xB4,
    "USAGE": 0x08,
    "USAGE_MINIMUM": 0x18,
    "USAGE_MAXIMUM": 0x28,
    "DESGINATOR_INDEX": 0x38,  # spelled so there
    "DESGINATOR_MINIMUM": 0x48,
    "DESGINATOR_MAXIMUM": 0x58,
    "STRING_INDEX": 0x78,
    "STRING_MINIMUM": 0x88,
    "STRING_MAXIMUM": 0x98,
    "DELIMITER": 0xA8,
}
SIZES = {0: 0, 1: 1, 2: 2, 4: 3}  #: bytes of an item's data: bSize
MAIN_ITEMS = {"INPUT": 0x80, "OUTPUT": 0x90, "FEATURE": 0xB0}  #: items with flags
