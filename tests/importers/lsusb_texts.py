"""What `lsusb -v` printed: whole texts of four versions in lsusb/ beside this file, and pieces of older ones.

The files are named DEVICE.VERSION.txt: what that version of usbutils prints of corpus/devices/DEVICE.toml, read without
the right to open the device, so that strings but those of sysfs and everything behind a control request are missing.
"""

from __future__ import annotations

from pathlib import Path

from tests import DEVICES
from usbfuzz.case import DeviceSpec, load
from usbfuzz.importers import Imported, import_bytes

__all__ = ["CORPUS", "HEADSET_2007", "TEXTS", "device_of", "only"]

CORPUS = DEVICES
TEXTS = sorted((Path(__file__).parent / "lsusb").glob("*.txt"))

#: usbutils 0.8x: decimal wTotalLength, other names, masks byte by byte.
HEADSET_2007 = b"""\
Bus 001 Device 002: ID 062a:9004 Creative Labs
Device Descriptor:
  bLength                18
  bDescriptorType         1
  bcdUSB               1.10
  bDeviceClass            0 (Defined at Interface level)
  bDeviceSubClass         0
  bDeviceProtocol         0
  bMaxPacketSize0         8
  idVendor           0x062a Creative Labs
  idProduct          0x9004
  bcdDevice            1.40
  iManufacturer           0
  iProduct                1 USB Headset
  iSerial                 0
  bNumConfigurations      1
  Configuration Descriptor:
    bLength                 9
    bDescriptorType         2
    wTotalLength           52
    bNumInterfaces          1
    bConfigurationValue     1
    iConfiguration          0
    bmAttributes         0xa0
      (Bus Powered)
      Remote Wakeup
    MaxPower              100mA
    Interface Descriptor:
      bLength                 9
      bDescriptorType         4
      bInterfaceNumber        0
      bAlternateSetting       0
      bNumEndpoints           0
      bInterfaceClass         1 Audio
      bInterfaceSubClass      1 Control Device
      bInterfaceProtocol      0
      iInterface              0
      AudioControl Interface Descriptor:
        bLength                 9
        bDescriptorType        36
        bDescriptorSubtype      1 (HEADER)
        bcdADC               1.00
        wTotalLength           34
        bInCollection           1
        baInterfaceNr( 0)       1
      AudioControl Interface Descriptor:
        bLength                11
        bDescriptorType        36
        bDescriptorSubtype      6 (FEATURE_UNIT)
        bUnitID                 9
        bSourceID               1
        bControlSize            2
        bmaControls( 0)      0x03
        bmaControls( 0)      0x01
          Mute
          Volume
          Delay
        bmaControls( 1)      0x02
        bmaControls( 1)      0x00
          Volume
        iFeature                0
      AudioControl Interface Descriptor:
        bLength                14
        bDescriptorType        36
        bDescriptorSubtype      4 (MIXER_UNIT)
        bUnitID                11
        bNrInPins               2
        baSource( 0)            1
        baSource( 1)            9
        bNrChannels             2
        wChannelConfig     0x0003
          Left Front (L)
          Right Front (R)
        iChannelNames           0
        bmControls         0x00
        bmControls         0x40
        iMixer                  0
cannot read device status, Broken pipe (32)
"""


def device_of(text: Path) -> DeviceSpec:
    """The corpus device a text is of."""
    return load(CORPUS / f"{text.name.partition('.')[0]}.toml").devices[0]


def only(content: bytes) -> Imported:
    """The one device of a text."""
    (imported,) = import_bytes(content, "lsusb.txt")
    return imported
