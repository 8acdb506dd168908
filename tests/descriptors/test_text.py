"""Hand-written bytes of every class, and the line that stands next to them in a case file."""

from __future__ import annotations

import pytest

from usbfuzz.descriptors import Context, describe, split, typed
from usbfuzz.descriptors.bos import MS_OS_20, WEBUSB, PrecisionTimeMeasurementCapability, WebUsbCapability, bos
from usbfuzz.descriptors.context import NO_INTERFACE
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.descriptors.text import ids_of

AC1, AS1, MS = Context(1, 1, 0), Context(1, 2, 0), Context(1, 3, 0)
AC2, AS2 = Context(1, 1, 0x20), Context(1, 2, 0x20)
AC3, AS3 = Context(1, 1, 0x30), Context(1, 2, 0x30)
VC, VS = Context(14, 1, 0), Context(14, 2, 0)
CDC, RNDIS, NCM = Context(2, 2, 1), Context(0xE0, 1, 3), Context(2, 13, 0)

LINES = [
    (
        NO_INTERFACE,
        "12010002ef020140341201030001010203 01",
        "device 1234:0301 rev 1.00, USB 2.00, class ef/02/01, bMaxPacketSize0 64, 1 configuration",
    ),
    (
        NO_INTERFACE,
        "09023e00020100e032",
        "configuration 1: wTotalLength 62, 2 interfaces, self-powered, remote wakeup, bMaxPower 50",
    ),
    (
        NO_INTERFACE,
        "0907200001010080fa",
        "other speed configuration 1: wTotalLength 32, 1 interface, bMaxPower 250",
    ),
    (NO_INTERFACE, "0904000002ffffff00", "interface 0 alt 0: ff/ff/ff vendor specific, 2 endpoints"),
    (NO_INTERFACE, "0904020101420000 00", "interface 2 alt 1: 42/00/00 class 0x42, 1 endpoint"),
    (NO_INTERFACE, "07058102000200", "endpoint 0x81 IN bulk, wMaxPacketSize 512, bInterval 0"),
    (
        NO_INTERFACE,
        "09050109c400010082",
        "endpoint 0x01 OUT isochronous, wMaxPacketSize 196, bInterval 1, bRefresh 0, bSynchAddress 0x82",
    ),
    (NO_INTERFACE, "080b000201013000", "interface association: interfaces 0 to 1, 01/01/30 audio"),
    (
        NO_INTERFACE,
        "0a060002000000400100",
        "device qualifier: bcdUSB 2.00, bDeviceClass 0, bDeviceSubClass 0, bDeviceProtocol 0, bMaxPacketSize0 64,",
    ),
    (NO_INTERFACE, "06030a004100", "string, UTF-16 units 000a 0041"),
    (NO_INTERFACE, "06034100e900", "string 'Aé'"),
    (NO_INTERFACE, "040300d8", "string, UTF-16 units d800"),
    (NO_INTERFACE, "050341 0042", "string 410042"),
    (NO_INTERFACE, "030903", "OTG: bmAttributes 0x03"),
    (NO_INTERFACE, "0509030002", "OTG: bmAttributes 0x03, bcdOTG 2.00"),
    (NO_INTERFACE, "040a8102", "debug: bDebugInEndpoint 0x81, bDebugOutEndpoint 0x02"),
    (
        NO_INTERFACE,
        "0630 0f 04 0000",
        "SuperSpeed companion: bMaxBurst 15, bmAttributes 0x04, wBytesPerInterval 0",
    ),
    (NO_INTERFACE, "0831 0000 00c00000", "SuperSpeedPlus companion: dwBytesPerInterval 49152"),
    (NO_INTERFACE, "050f160002", "BOS: wTotalLength 22, bNumDeviceCaps 2"),
    (NO_INTERFACE, "07100206000000", "USB 2.0 extension: bmAttributes 0x00000006"),
    (
        NO_INTERFACE,
        "0a1003000e00010a2000",
        "SuperSpeed: bmAttributes 0x00, wSpeedsSupported 14, bFunctionalitySupport 1, bU1DevExitLat 10,",
    ),
    (NO_INTERFACE, "14100400" + "ab" * 16, f"Container ID: ContainerID {'ab' * 16}"),
    (
        NO_INTERFACE,
        "18100500" + WEBUSB.hex() + "00010101",
        "platform WebUSB: bcdVersion 1.00, bVendorCode 1, iLandingPage 1",
    ),
    (
        NO_INTERFACE,
        "1c100500" + MS_OS_20.hex() + "00000306b2000100",
        "platform Microsoft OS 2.0: descriptor_sets (dwWindowsVersion 0x06030000, wMSOSDescriptorSetTotalLength 178,",
    ),
    (NO_INTERFACE, "0410ee01", "device capability: bDevCapabilityType 0xee +1 bytes"),
    (
        NO_INTERFACE,
        "0929 04 e900 32 64 00 ff",
        "hub: bNbrPorts 4, wHubCharacteristics 0x00e9, bPwrOn2PwrGood 50, bHubContrCurrent 100, DeviceRemovable 00ff",
    ),
    (Context(3, 1, 1), "092111010001223f00", "HID 1.11, bCountryCode 0, report descriptor 63 bytes"),
    (
        Context(3, 0, 0),
        "0c21110121 02 223f00 230700",
        "HID 1.11, bCountryCode 33, report descriptor 63 bytes, physical descriptor 7 bytes",
    ),
    (
        Context(0xFE, 1, 2),
        "09210bff0000101a01",
        "DFU functional: bmAttributes 0x0b, wDetachTimeOut 255, wTransferSize 4096, bcdDFUVersion 1.1a",
    ),
    (
        Context(7, 1, 4),
        "092100010100020304",
        "IPP printer: bcdReleaseNumber 1.00, bcdNumDescriptors 1, capabilities 00020304",
    ),
    (Context(8, 6, 0x62), "04240100", "pipe usage: bPipeID 1"),
    (
        AC1,
        "092401000128000101",
        "CS_INTERFACE AC header: bcdADC 1.00, wTotalLength 40, bInCollection 1, baInterfaceNr 1",
    ),
    (
        AC1,
        "0a240601 02 01 0302 02 00",
        "CS_INTERFACE AC feature unit: bUnitID 1, bSourceID 2, bControlSize 1, bmaControls 0x03 0x02 0x02",
    ),
    (AC1, "072405050201ff", "truncated: CS_INTERFACE AC selector unit, 7 bytes do not hold all of it"),
    (AC1, "0424 99 00", "CS_INTERFACE subtype 0x99, 4 bytes"),
    (
        AS1,
        "0b240201 02 02 10 01 80bb00",
        "CS_INTERFACE AS format type I: bNrChannels 2, bSubframeSize 2, bBitResolution 16, bSamFreqType 1,",
    ),
    (
        AS1,
        "0e240201 02 02 10 00 401f00 80bb00",
        "CS_INTERFACE AS format type I: bNrChannels 2, bSubframeSize 2, bBitResolution 16, bSamFreqType 0,",
    ),
    (
        AS1,
        "07250101010100",
        "CS_ENDPOINT AS isochronous endpoint: bmAttributes 0x01, bLockDelayUnits 1, wLockDelay 1",
    ),
    (
        AC2,
        "0924010002 08 2e00 00",
        "CS_INTERFACE AC header: bcdADC 2.00, bCategory 8, wTotalLength 46, bmControls 0x00",
    ),
    (
        AC2,
        "08240a0901010000",
        "CS_INTERFACE AC clock source: bClockID 9, bmAttributes 0x01, bmControls 0x01, bAssocTerminal 0",
    ),
    (AS2, "0624020104 18", "CS_INTERFACE AS format type I: bSubslotSize 4, bBitResolution 24"),
    (AC3, "0a240101310000000000", "CS_INTERFACE AC header: bCategory 1, wTotalLength 49, bmControls 0x00000000"),
    (AS3, "0b2402401f000080bb0000", "CS_INTERFACE AS valid frequency range: dMIN 8000, dMAX 48000"),
    (MS, "07240100012500", "CS_INTERFACE MS header: bcdMSC 1.00, wTotalLength 37"),
    (
        MS,
        "092403010301020100",
        "CS_INTERFACE MS MIDI OUT jack: bJackType 1, bJackID 3, bNrInputPins 1, pins (baSourceID 2, baSourcePin 1)",
    ),
    (MS, "0525010101", "CS_ENDPOINT MS endpoint: bNumEmbMIDIJack 1, baAssocJackID 1"),
    (MS, "0525020103", "CS_ENDPOINT MS endpoint 2.0: bNumGrpTrmBlock 1, baAssoGrpTrmBlkID 3"),
    (
        VC,
        "0d24010001340080c3c9010101",
        "CS_INTERFACE VC header: bcdUVC 1.00, wTotalLength 52, dwClockFrequency 30000000, bInCollection 1,",
    ),
    (
        VC,
        "122402010102 00 00 000000000000 03 000000",
        "CS_INTERFACE VC camera terminal",
    ),
    (
        VC,
        "0b2405 03 01 0000 02 7f 14 00",
        "CS_INTERFACE VC processing unit: bUnitID 3, bSourceID 1, wMaxMultiplier 0, bControlSize 2, bmControls 7f14",
    ),
    (VC, "0d240704 03 00 03 010203 040506", "CS_INTERFACE VC encoding unit: bUnitID 4, bSourceID 3, bControlSize 3"),
    (VC, "0525031000", "CS_ENDPOINT VC interrupt endpoint: wMaxTransferSize 16"),
    (VS, "0e24010147008100030000000100", "CS_INTERFACE VS input header: bNumFormats 1, wTotalLength 71"),
    (
        VS,
        "1e2405 01 00 8002 e001 00007701 0000ca08 00600900 15160500 01 15160500",
        "CS_INTERFACE VS uncompressed frame: bFrameIndex 1",
    ),
    (VS, "06240d010104", "CS_INTERFACE VS color matching: bColorPrimaries 1, bTransferCharacteristics 1"),
    (VS, "0f2403000280 02e001 4001f000 0105", "CS_INTERFACE VS still image frame: bEndpointAddress 0x00"),
    (CDC, "0524001001", "CS_INTERFACE CDC header: bcdCDC 1.10"),
    (CDC, "04240206", "CS_INTERFACE CDC ACM: bmCapabilities 0x06"),
    (RNDIS, "0524060001", "CS_INTERFACE CDC union: bControlInterface 0, bSubordinateInterface 1"),
    (
        NCM,
        "0d240f0300000000ea05000000",
        "CS_INTERFACE CDC Ethernet: iMACAddress 3, bmEthernetStatistics 0x00000000, wMaxSegmentSize 1514",
    ),
    (NCM, "06241a000111", "CS_INTERFACE CDC NCM: bcdNcmVersion 1.00, bmNetworkCapabilities 0x11"),
    (Context(0xFF, 0, 0), "0524001001", "CS_INTERFACE subtype 0x00, 5 bytes"),
    (NO_INTERFACE, "04ee0102", "unknown descriptor type 0xee, 4 bytes"),
    (NO_INTERFACE, "09058102", "truncated: endpoint with bLength 9, 4 bytes left"),
    (NO_INTERFACE, "00058102", "truncated: endpoint with bLength 0, the kernel reads no further; 4 bytes follow"),
    (NO_INTERFACE, "01", "truncated: 1 stray byte"),
]


@pytest.mark.parametrize(("context", "text", "line"), LINES)
def test_a_descriptor_is_described_in_its_context(context: Context, text: str, line: str) -> None:
    (descriptor,) = split(bytes.fromhex(text), context)
    assert describe(descriptor).startswith(line)


def test_a_wrong_length_is_told() -> None:
    endpoint = EndpointDescriptor(bEndpointAddress=0x81, bmAttributes=2, wMaxPacketSize=512, bInterval=0, bLength=99)
    assert describe(endpoint).endswith("bInterval 0 (bLength 99 of 7 bytes)")


def test_class_descriptors_follow_the_interface_they_stand_under() -> None:
    raw = bytes.fromhex(
        "090400000001010000 0524010001 090401000002020100 0524001001 090402000001012000 0924010002082e0000"
    )
    assert [type(descriptor).__module__.rpartition(".")[2] for descriptor in split(raw)] == [
        "standard",
        "base",
        "standard",
        "cdc",
        "standard",
        "uac2",
    ]


def test_an_unknown_audio_protocol_is_version_1_as_the_kernel_has_it() -> None:
    header = bytes.fromhex("092401000128000101")
    assert type(typed(header, Context(1, 1, 0x77))).__module__.endswith("uac1")


def test_a_bos_has_correct_totals() -> None:
    raw = bos(WebUsbCapability(bVendorCode=7), PrecisionTimeMeasurementCapability())
    assert raw[:5] == bytes((5, 15, 5 + 24 + 3, 0, 2))
    assert [type(descriptor).__name__ for descriptor in split(raw)][1:] == [
        "WebUsbCapability",
        "PrecisionTimeMeasurementCapability",
    ]


def test_ids_are_printed_as_lsusb_prints_them_and_those_of_a_short_descriptor_are_unknown() -> None:
    device = bytes.fromhex("12010002000000406d042bc50100010203 01")
    assert ids_of(device) == ids_of(device[:12]) == "046d:c52b"
    assert ids_of(device[:11]) == "?"
    assert ids_of(b"", "a device") == "a device"
