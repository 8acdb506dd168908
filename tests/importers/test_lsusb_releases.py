"""What releases of usbutils print wrongly: the release is told by the text, bytes are right or listed."""

from __future__ import annotations

import pytest

from usbfuzz.importers import Imported, import_bytes

from .lsusb_texts import only

DEVICE = """\
Bus 001 Device 003: ID 1209:0001 Generic Test
Device Descriptor:
  bLength                18
  bDescriptorType         1
  bcdUSB               {usb}
  bDeviceClass            0 {unknown}
  bDeviceSubClass         0 {unknown}
  bDeviceProtocol         0 {unknown}
  bMaxPacketSize0         9
  idVendor           0x1209
  idProduct          0x0001
  bcdDevice            1.00
  iManufacturer           0
  iProduct                0
  iSerial                 0
  bNumConfigurations      1
  Configuration Descriptor:
    bLength                 9
    bDescriptorType         2
    wTotalLength       {total}
    bNumInterfaces          1
    bConfigurationValue     1
    iConfiguration          0
    bmAttributes         0x80
      (Bus Powered)
    MaxPower              {power}mA
    Interface Descriptor:
      bLength                 9
      bDescriptorType         4
      bInterfaceNumber        0
      bAlternateSetting       0
      bNumEndpoints           0
      bInterfaceClass       {interface}
      iInterface              0
"""
AUDIO = "1 Audio\n      bInterfaceSubClass      1 Control Device\n      bInterfaceProtocol     32 "
VIDEO = "14 Video\n      bInterfaceSubClass      2 Video Streaming\n      bInterfaceProtocol      0 "
OTHER = "255 Vendor\n      bInterfaceSubClass      0\n      bInterfaceProtocol      0 "
MODEM = "2 Communications\n      bInterfaceSubClass     10\n      bInterfaceProtocol      0 "


def _import(
    below: str, total: int, interface: str = OTHER, *, usb: str = "2.00", hexadecimal: bool = False, power: int = 100
) -> Imported:
    unknown = "[unknown]" if hexadecimal else ""
    printed = f"0x{total:04x}" if hexadecimal else str(total)
    text = DEVICE.format(usb=usb, unknown=unknown, total=printed, power=power, interface=interface)
    return only((text + below).encode())


def _bytes(got: Imported) -> bytes:
    """What stands behind the interface."""
    return got.device.configurations[0][18:]


HEADER = """\
      VideoStreaming Interface Descriptor:
        bLength                            14
        bDescriptorType                    36
        bDescriptorSubtype                  1 (INPUT_HEADER)
        bNumFormats                         1
        wTotalLength                       25
        bEndPointAddress                  130
        bmInfo                              0
        bTerminalLink                       3
        bStillCaptureMethod                 2
        bTriggerSupport                     0
        bTriggerUsage                       0
        bControlSize                        1
        bmaControls( 0)                    {controls}
      VideoStreaming Interface Descriptor:
        bLength                            11
        bDescriptorType                    36
        bDescriptorSubtype                  6 (FORMAT_MJPEG)
        bFormatIndex                        1
        bNumFrameDescriptors                1
        bFlags                              1
        bDefaultFrameIndex                  1
        bAspectRatioX                       0
        bAspectRatioY                       0
        bmInterlaceFlags                 0x00
        bCopyProtect                        0
"""
_LOST = "bmaControls of a video header"


def test_until_008_the_controls_of_a_header_are_the_next_length_and_made_up() -> None:
    got = _import(HEADER.format(controls=11), 43, VIDEO)
    assert _bytes(got)[:14].hex(" ") == "0e 24 01 01 19 00 82 00 03 02 00 00 01 00"
    assert _LOST in got.synthesised


@pytest.mark.parametrize(("controls", "hexadecimal"), [(4, False), (11, True)])
def test_the_controls_of_a_header_of_a_later_release_are_what_it_says(controls: int, *, hexadecimal: bool) -> None:
    got = _import(HEADER.format(controls=controls), 43, VIDEO, hexadecimal=hexadecimal)
    assert _bytes(got)[13] == controls
    assert _LOST not in got.synthesised


def test_the_length_says_how_many_compression_patterns_there_are() -> None:
    still = """\
      VideoStreaming Interface Descriptor:
        bLength                            14
        bDescriptorType                    36
        bDescriptorSubtype                  3 (STILL_IMAGE_FRAME)
        bEndpointAddress                    0
        bNumImageSizePatterns               2
        wWidth( 0)                        320
        wHeight( 0)                       240
        wWidth( 1)                        160
        wHeight( 1)                       120
        bNumCompressionPatterns             2
"""
    got = _import(still, 32, VIDEO)
    assert _bytes(got).hex(" ") == "0e 24 03 00 02 40 01 f0 00 a0 00 78 00 00"
    assert got.problems == ()


def test_until_009_extension_units_of_audio_2_are_read_one_byte_too_far() -> None:
    unit = """\
      AudioControl Interface Descriptor:
        bLength                16
        bDescriptorType        36
        bDescriptorSubtype      9 (EXTENSION_UNIT)
      Warning: Descriptor too short
        bUnitID                17
        wExtensionCode        258
        bNrPins                 1
        baSourceID( 0)          5
        bNrChannels             6
        wChannelConfig   117440513
        iChannelNames           3 Wrong
        bmControls        0x02
        iExtension             50 Wrong
"""
    got = _import(unit, 34, AUDIO)
    assert _bytes(got).hex(" ") == "10 24 09 11 02 01 01 05 06 00 01 00 00 07 03 02"
    assert "bits 7:0 of bmChannelConfig of audio unit 17" in got.synthesised
    assert 50 not in dict(got.device.strings)


def test_until_009_processing_units_of_audio_2_lose_two_sources_and_a_byte() -> None:
    unit = """\
      AudioControl Interface Descriptor:
        bLength                21
        bDescriptorType        36
        bDescriptorSubtype      8 (PROCESSING_UNIT)
        bUnitID                 2
        wProcessType            1
        bNrPins                 3
        baSourceID( 0)          0
        baSourceID( 1)          3
        baSourceID( 2)         15
        bNrChannels             2
        bmChannelConfig    0x00000003
        iChannelNames           0
        bmControls        0x0001
        iProcessing             0
        Process-Specific     32
"""
    got = _import(unit, 39, AUDIO)
    assert _bytes(got).hex(" ") == "15 24 08 02 01 00 03 0f 00 00 02 03 00 00 00 00 01 00 00 32 00"
    assert "the last two sources and the last byte of audio unit 2" in got.synthesised


def test_until_009_masks_of_mixers_of_audio_2_stand_in_a_line_of_their_own() -> None:
    unit = """\
      AudioControl Interface Descriptor:
        bLength                15
        bDescriptorType        36
        bDescriptorSubtype      4 (MIXER_UNIT)
        bUnitID                 1
        bNrPins                 1
        baSourceID( 0)          4
        bNrChannels             2
        bmChannelConfig    0x00000003
        iChannelNames           0
 a5
        bmControls         03
        iMixer               0
"""
    assert _bytes(_import(unit, 33, AUDIO)).hex(" ") == "0f 24 04 01 01 04 02 03 00 00 00 00 a5 03 00"


BOS = "Binary Object Store Descriptor:\n  bLength 5\n  bDescriptorType 15\n  wTotalLength {}\n  bNumDeviceCaps 1\n"
CAPABILITY = BOS + "    bLength {}\n    bDescriptorType 16\n    bDevCapabilityType {}\n"


def test_guids_of_early_releases_are_in_wire_order_and_it_is_said_where_the_release_is_uncertain() -> None:
    guid = CAPABILITY.format(25, 20, 4) + "    bReserved 0\n    ContainerID {22334455-6677-8899-aabb-ccddeeff0011}\n"
    note = "the byte order of GUIDs: taken as usbutils up to 008 print it, as the text does not tell which did"
    wire, guids = bytes.fromhex("2233445566778899aabbccddeeff0011"), bytes.fromhex("5544332277669988aabbccddeeff0011")
    printed = ((100, False, wire, False), (96, False, wire, True), (800, False, guids, False), (96, True, guids, False))
    for power, hexadecimal, tail, noted in printed:
        got = _import(guid, 18, usb="3.00", power=power, hexadecimal=hexadecimal)
        assert got.device.bos[-16:] == tail
        assert (note in got.synthesised) == noted


def test_the_guid_of_a_direct_line_modem_is_in_wire_order_too() -> None:
    guid = "{00112233-4455-6677-8899-aabbccddeeff}"
    modem = f"      CDC MDLM:\n        bcdCDC               1.00\n        bGUID               {guid}\n"
    assert _bytes(_import(modem, 39, MODEM)).hex() == "152412000100112233445566778899aabbccddeeff"


def test_the_power_of_superspeed_devices_is_in_other_units_since_009() -> None:
    uncertain = "bMaxPower: taken as usbutils up to 008 print it; of 009 it is a quarter"
    printed = ((224, False, 112, True), (100, False, 50, False), (896, False, 112, False), (224, True, 28, False))
    for power, hexadecimal, value, noted in printed:
        got = _import("", 18, usb="3.10", power=power, hexadecimal=hexadecimal)
        assert got.device.configurations[0][8] == value
        assert (uncertain in got.synthesised) == noted


def test_one_device_tells_the_release_for_all_of_the_file() -> None:
    first = DEVICE.format(usb="2.00", unknown="", total="18", power="100", interface=OTHER)
    second = DEVICE.format(usb="3.00", unknown="", total="18", power="224", interface=OTHER)
    early = first.replace("Class            0 ", "Class            0 (Defined at Interface level)")
    found = import_bytes((early + second).encode(), "lsusb.txt")
    assert found[1].device.configurations[0][8] == 112
    assert not any("bMaxPower" in note for note in found[1].synthesised)


@pytest.mark.parametrize(
    ("speed", "wire"), [("", "45 1c 00 00"), ("Negotiated speed: High Speed (480Mbps)\n", "00 00 1c 45")]
)
def test_the_vdo_of_an_alternate_mode_is_in_wire_order_until_017(speed: str, wire: str) -> None:
    below = CAPABILITY.format(13, 8, 15) + "    bIndex 0\n    dwAlternateModeVdo 0x451C0000\n"
    text = DEVICE.format(usb="2.10", unknown="[unknown]", total="0x0012", power=100, interface=OTHER) + below
    got = only(text.replace("Device Descriptor:", speed + "Device Descriptor:", 1).encode())
    assert got.device.bos[-4:].hex(" ") == wire


def test_until_004_the_superspeed_capability_is_read_one_byte_too_early() -> None:
    below = CAPABILITY.format(15, 10, 3) + (
        "    bmAttributes 0x00\n    wSpeedsSupported   0x000e\n    bFunctionalitySupport   0\n"
        "    bU1DevExitLat           1 micro seconds\n    bU2DevExitLat        2815 micro seconds\n"
    )
    got = _import(below, 18, usb="3.00")
    assert got.device.bos[5:].hex(" ") == "0a 10 03 00 0e 00 01 0a ff 00"
    assert "bits 15:8 of bU2DevExitLat" in got.synthesised


def test_a_report_descriptor_of_zeros_is_told_from_one_whose_names_are_lost() -> None:
    below = """\
        HID Device Descriptor:
          bLength                 9
          bDescriptorType        33
          bcdHID               1.10
          bCountryCode            0 Not supported
          bNumDescriptors         1
          bDescriptorType        34 Report
          wDescriptorLength      18
          Report Descriptor: (length is 2)
            Item(Main  ): (null), data=none
            Item(Main  ): (null), data=none
"""
    hid = "3 Human Interface Device\n      bInterfaceSubClass      0\n      bInterfaceProtocol      0 "
    (problem,) = _import(below, 27, hid, hexadecimal=True).problems
    assert problem.reason == (
        "the device gave 2 of 18 bytes of its report descriptor, all of reserved items, most likely zeros; left out"
    )
