"""Numbers of the USB specifications: descriptor types, class codes, requests."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "DIRECTION_IN",
    "Capability",
    "ClassCode",
    "ClassRequest",
    "DescriptorType",
    "Feature",
    "Recipient",
    "RequestKind",
    "StandardRequest",
]

DIRECTION_IN = 0x80  #: bmRequestType and bEndpointAddress bit 7: device to host


class DescriptorType(IntEnum):
    """bDescriptorType. USB 2.0 table 9-5, USB 3.2 table 9-6 and the class specifications.

    Class specifications share numbers: 0x21 is HID's, DFU's, CCID's and the printer's, 0x24 is every class's and UAS's
    (see :mod:`usbfuzz.descriptors.context`).
    """

    DEVICE = 0x01
    CONFIGURATION = 0x02
    STRING = 0x03
    INTERFACE = 0x04
    ENDPOINT = 0x05
    DEVICE_QUALIFIER = 0x06
    OTHER_SPEED_CONFIGURATION = 0x07
    INTERFACE_POWER = 0x08
    OTG = 0x09
    DEBUG = 0x0A
    INTERFACE_ASSOCIATION = 0x0B
    SECURITY = 0x0C
    KEY = 0x0D
    ENCRYPTION_TYPE = 0x0E
    BOS = 0x0F
    DEVICE_CAPABILITY = 0x10
    WIRELESS_ENDPOINT_COMPANION = 0x11
    FUNCTIONAL = 0x21  #: HID, DFU, CCID, printer: the one class descriptor these have
    HID_REPORT = 0x22
    HID_PHYSICAL = 0x23
    CS_INTERFACE = 0x24
    CS_ENDPOINT = 0x25
    CS_GROUP_TERMINAL_BLOCK = 0x26  #: MIDI 2.0; in audio 3.0 this is CS_CLUSTER
    HUB = 0x29
    SUPERSPEED_HUB = 0x2A
    SUPERSPEED_ENDPOINT_COMPANION = 0x30
    SUPERSPEEDPLUS_ISOCHRONOUS_ENDPOINT_COMPANION = 0x31


class Capability(IntEnum):
    """bDevCapabilityType of a BOS capability. USB 3.2 table 9-14."""

    WIRELESS_USB = 0x01
    USB_2_0_EXTENSION = 0x02
    SUPERSPEED_USB = 0x03
    CONTAINER_ID = 0x04
    PLATFORM = 0x05
    POWER_DELIVERY = 0x06
    BATTERY_INFO = 0x07
    PD_CONSUMER_PORT = 0x08
    PD_PROVIDER_PORT = 0x09
    SUPERSPEED_PLUS = 0x0A
    PRECISION_TIME_MEASUREMENT = 0x0B
    WIRELESS_USB_EXT = 0x0C
    BILLBOARD = 0x0D
    AUTHENTICATION = 0x0E
    BILLBOARD_EX = 0x0F
    CONFIGURATION_SUMMARY = 0x10


class ClassCode(IntEnum):
    """bDeviceClass, bInterfaceClass, bFunctionClass."""

    PER_INTERFACE = 0x00
    AUDIO = 0x01
    COMMUNICATIONS = 0x02
    HID = 0x03
    PHYSICAL = 0x05
    STILL_IMAGE = 0x06
    PRINTER = 0x07
    MASS_STORAGE = 0x08
    HUB = 0x09
    CDC_DATA = 0x0A
    SMART_CARD = 0x0B
    CONTENT_SECURITY = 0x0D
    VIDEO = 0x0E
    PERSONAL_HEALTHCARE = 0x0F
    AUDIO_VIDEO = 0x10
    BILLBOARD = 0x11
    TYPE_C_BRIDGE = 0x12
    DIAGNOSTIC = 0xDC
    WIRELESS_CONTROLLER = 0xE0
    MISCELLANEOUS = 0xEF
    APPLICATION_SPECIFIC = 0xFE
    VENDOR_SPECIFIC = 0xFF


class RequestKind(IntEnum):
    """bmRequestType bits 6:5."""

    STANDARD = 0x00
    CLASS = 0x20
    VENDOR = 0x40


class Recipient(IntEnum):
    """bmRequestType bits 4:0."""

    DEVICE = 0x00
    INTERFACE = 0x01
    ENDPOINT = 0x02
    OTHER = 0x03


class StandardRequest(IntEnum):
    """bRequest of standard requests. USB 2.0 table 9-4, USB 3.2 table 9-5."""

    GET_STATUS = 0x00
    CLEAR_FEATURE = 0x01
    SET_FEATURE = 0x03
    SET_ADDRESS = 0x05
    GET_DESCRIPTOR = 0x06
    SET_DESCRIPTOR = 0x07
    GET_CONFIGURATION = 0x08
    SET_CONFIGURATION = 0x09
    GET_INTERFACE = 0x0A
    SET_INTERFACE = 0x0B
    SYNCH_FRAME = 0x0C
    SET_SEL = 0x30
    SET_ISOCH_DELAY = 0x31


class Feature(IntEnum):
    """wValue of SET_FEATURE and CLEAR_FEATURE. USB 2.0 table 9-6, USB 3.2 table 9-7."""

    ENDPOINT_HALT = 0
    DEVICE_REMOTE_WAKEUP = 1
    TEST_MODE = 2
    U1_ENABLE = 48
    U2_ENABLE = 49
    LTM_ENABLE = 50


class ClassRequest(IntEnum):
    """bRequest of class requests, prefixed by their class; the same number may stand for several."""

    HID_GET_REPORT = 0x01
    HID_GET_IDLE = 0x02
    HID_GET_PROTOCOL = 0x03
    HID_SET_REPORT = 0x09
    HID_SET_IDLE = 0x0A
    HID_SET_PROTOCOL = 0x0B
    UAC1_SET_CUR = 0x01
    UAC1_GET_CUR = 0x81
    UAC1_GET_MIN = 0x82
    UAC1_GET_MAX = 0x83
    UAC1_GET_RES = 0x84
    UAC2_CUR = 0x01
    UAC2_RANGE = 0x02
    UAC3_HIGH_CAPABILITY_DESCRIPTOR = 0x06
    UVC_SET_CUR = 0x01
    UVC_GET_CUR = 0x81
    UVC_GET_MIN = 0x82
    UVC_GET_MAX = 0x83
    UVC_GET_RES = 0x84
    UVC_GET_LEN = 0x85
    UVC_GET_INFO = 0x86
    UVC_GET_DEF = 0x87
    CDC_SEND_ENCAPSULATED_COMMAND = 0x00
    CDC_GET_ENCAPSULATED_RESPONSE = 0x01
    CDC_SET_LINE_CODING = 0x20
    CDC_GET_LINE_CODING = 0x21
    CDC_SET_CONTROL_LINE_STATE = 0x22
    CDC_SEND_BREAK = 0x23
    CDC_SET_ETHERNET_PACKET_FILTER = 0x43
    CDC_GET_NTB_PARAMETERS = 0x80
    CDC_GET_NTB_FORMAT = 0x83
    CDC_SET_NTB_FORMAT = 0x84
    CDC_GET_NTB_INPUT_SIZE = 0x85
    CDC_SET_NTB_INPUT_SIZE = 0x86
    PRINTER_GET_DEVICE_ID = 0x00
    PRINTER_GET_PORT_STATUS = 0x01
    PRINTER_SOFT_RESET = 0x02
    MASS_STORAGE_GET_MAX_LUN = 0xFE
    MASS_STORAGE_RESET = 0xFF
