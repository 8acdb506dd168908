"""Names of fields in the output of usbutils 0.8x to today, where they differ from the specifications."""

from __future__ import annotations

import re

__all__ = [
    "ALIASES",
    "CDC_HEADINGS",
    "HEADINGS",
    "HEX_ROWS",
    "LAST_RESORT_WIDTHS",
    "REPORT_TAGS",
    "REPORT_TYPES",
    "UNPRINTED",
]

#: name as printed: the codec's names it may stand for, of which a descriptor has one
ALIASES: dict[str, tuple[str, ...]] = {
    "iSerial": ("iSerialNumber",),
    "MaxPower": ("bMaxPower",),
    # audio
    "baSource": ("baSourceID",),
    "bNrPins": ("bNrInPins",),
    "bUnitID": ("bClockID",),
    "bmControl": ("bmControls",),
    "wChannelConfig": ("bmChannelConfig",),
    "iEffect": ("iEffects",),
    "tLowerSamFreq": ("tSamFreq",),
    "tUpperSamFreq": ("tSamFreq",),
    "Process-specific": ("specific",),
    "Process-Specific": ("specific",),
    "bNrModes": ("specific",),
    "waModes": ("specific",),
    "daModes": ("specific",),
    "bmControls": ("specific",),
    "waClusterDescrID": ("specific",),
    "wClusterDescrID": ("specific",),
    "bmAlgorithms": ("specific",),
    # MIDI
    "bcdADC": ("bcdMSC",),
    "BaSourcePin": ("baSourcePin",),
    # video
    "bFlags": ("bmFlags",),
    "bNumControl": ("bNumControls",),
    "dwMinFrameInterval": ("dwFrameInterval",),
    "dwMaxFrameInterval": ("dwFrameInterval",),
    "dwFrameIntervalStep": ("dwFrameInterval",),
    "bNumCompressionPatterns": ("bNumCompressionPattern",),
    "bEndPointAddress": ("bEndpointAddress",),
    # communications
    "bMasterInterface": ("bControlInterface",),
    "bSlaveInterface": ("bSubordinateInterface",),
    "iMacAddress": ("iMACAddress",),
    "bcdCDC": ("bcdVersion",),
    # smart cards
    "nMaxSlotIndex": ("bMaxSlotIndex",),
    "dwMaxiumumClock": ("dwMaximumClock",),
    "bNumDataRatesSupp.": ("bNumDataRatesSupported",),
    "dwSyncProtocols": ("dwSynchProtocols",),
    "dwMaxCCIDMsgLen": ("dwMaxCCIDMessageLength",),
    "wlcdLayout": ("wLcdLayout",),
    # firmware upgrade
    "wDetachTimeout": ("wDetachTimeOut",),
    # hubs
    "nNbrPorts": ("bNbrPorts",),
    "wHubCharacteristic": ("wHubCharacteristics",),
    "bHubDecLat": ("bHubHdrDecLat",),
    "PortPwrCtrlMask": ("DeviceRemovable",),
    # capabilities
    "bU2DevExitLat": ("wU2DevExitLat",),
    "iAddtionalInfoURL": ("iAdditionalInfoURL",),
    "bNumberOfAlternateModes": ("bNumberOfAlternateOrUSB4Modes",),
    "bPreferredAlternateMode": ("bPreferredAlternateOrUSB4Mode",),
    "VCONN Power": ("VconnPower",),
    "bAlternateMode": ("bAlternateOrUSB4Mode",),
    "iAlternateModeString": ("iAlternateOrUSB4ModeString",),
}

#: fields lsusb never prints, and that are 0 nearly always
UNPRINTED = re.compile(r"[bw]Reserved\d?$|bAltEnumCode$|specific$")

#: fields printed as a row of hex bytes, even if it is a single one
HEX_ROWS = frozenset(("bmMixerControls", "bDetailData", "Process-Specific", "Process-specific", "bmConfigured"))

#: bytes of a field of which only the name is known
LAST_RESORT_WIDTHS = (
    ("bcd", 2),
    ("dw", 4),
    ("id", 2),
    ("wa", 2),
    ("w", 2),
    ("b", 1),
    ("i", 1),
    ("n", 1),
    ("t", 3),
)

#: heading: bDescriptorSubtype of communications descriptors, which are printed without type and length
CDC_HEADINGS: dict[str, int] = {
    "cdc header": 0x00,
    "cdc call management": 0x01,
    "cdc acm": 0x02,
    "cdc union": 0x06,
    "country selection": 0x07,
    "cdc telephone operations": 0x08,
    "network channel terminal": 0x0A,
    "cdc ethernet": 0x0F,
    "cdc whcm": 0x11,
    "cdc mdlm": 0x12,
    "cdc mdlm detail": 0x13,
    "cdc device management": 0x14,
    "cdc obex": 0x15,
    "cdc command set": 0x16,
    "cdc ncm": 0x1A,
    "cdc mbim": 0x1B,
    "cdc mbim extended": 0x1C,
}

#: item types of HID report descriptors. HID 1.11 §6.2.2.2
REPORT_TYPES = {"Main": 0, "Global": 1, "Local": 2, "reserved": 3}

#: names of HID items: tag and type, bits 7:2 of the prefix. HID 1.11 §6.2.2
REPORT_TAGS = {
    "Usage Page": 0x04,
    "Usage": 0x08,
    "Logical Minimum": 0x14,
    "Usage Minimum": 0x18,
    "Logical Maximum": 0x24,
    "Usage Maximum": 0x28,
    "Physical Minimum": 0x34,
    "Designator Index": 0x38,
    "Physical Maximum": 0x44,
    "Designator Minimum": 0x48,
    "Unit Exponent": 0x54,
    "Designator Maximum": 0x58,
    "Unit": 0x64,
    "Report Size": 0x74,
    "String Index": 0x78,
    "Input": 0x80,
    "Report ID": 0x84,
    "String Minimum": 0x88,
    "Output": 0x90,
    "Report Count": 0x94,
    "String Maximum": 0x98,
    "Collection": 0xA0,
    "Push": 0xA4,
    "Delimiter": 0xA8,
    "Feature": 0xB0,
    "Pop": 0xB4,
    "End Collection": 0xC0,
}

#: heading: bDescriptorType, for blocks whose own line of it is lost
HEADINGS = {
    "device descriptor": 0x01,
    "configuration descriptor": 0x02,
    "interface descriptor": 0x04,
    "endpoint descriptor": 0x05,
    "interface association": 0x0B,
    "hid device descriptor": 0x21,
    "audiocontrol interface descriptor": 0x24,
    "audiostreaming interface descriptor": 0x24,
    "midistreaming interface descriptor": 0x24,
    "videocontrol interface descriptor": 0x24,
    "videostreaming interface descriptor": 0x24,
    "audiostreaming endpoint descriptor": 0x25,
    "midistreaming endpoint descriptor": 0x25,
}
