"""Data about particular devices: how their packets begin, and the configuration lengths that their drivers test for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OPENINGS", "TOTALS"]

#: First bytes of packets by driver, in hex: the codes that the driver's receive functions branch on.
OPENINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ath3k": ("0e04", "0e0401030c00"),
        "btusb": ("0e04", "0e0401030c00", "0e0c01011000", "ff", "3e13", "0f0400", "02"),
        "cxacru": ("00", "01000000"),
        "digi_acceleport": ("00", "0100", "1000"),
        "ems_usb": ("01", "0201"),
        "esd_usb": ("0203", "0401", "0000"),
        "f81534": ("00", "0101", "01"),
        "ftdi_sio": ("0160", "0100", "31"),
        "garmin_gps": ("00000000", "1400", "0000000005"),
        "gs_usb": ("ffffffff", "00000000", "01000000", "ffffffff00000000ff"),
        "ims_pcu": ("02", "0200", "0210"),
        "io_edgeport": ("00", "0400", "8000", "c0"),
        "io_ti": ("00", "10", "11", "14", "34"),
        "iforce_usb": ("01", "02", "03", "ff"),
        "ipheth": ("0000",),
        "keyspan": ("00", "01", "80"),
        "kvaser_usb": ("04", "0c", "1022", "0410", "08"),
        "ldusb": ("00", "08", "ff"),
        "legousbtower": ("00", "08"),
        "mcba_usb": ("e9", "ee", "fa", "f2"),
        "mceusb": ("9f", "8f", "b1", "ff"),
        "mos7720": ("00", "c0", "06"),
        "mos7840": ("00", "c0", "06", "0000000000"),
        "mxuport": ("0000", "00010000", "07000000"),
        "option": ("a120", "a1200000"),
        "peak_usb": ("00", "ff", "01", "0203"),
        "quatech2": (
            "1b1b00",
            "1b1b01",
            "1b1b02",
            "1b1b03",
            "1b1b0301",
            "1b1b04",
            "1b1b05",
            "1b1b06",
            "1b1bff",
            "1b1b",
        ),
        "rtl8150": ("00", "80"),
        "sierra": ("a120", "a12000"),
        "ti_usb_3410_5052": ("00", "02", "03", "13"),
        "ucan": ("0400", "0800"),
        "usb_8dev": ("55", "55000000"),
        "usbtmc": ("0200", "0201", "81"),
        "vmk80xx": ("00", "01"),
        "whiteheat": ("00", "01", "0a", "0b", "0c"),
        "xpad": ("0014", "0008", "0800", "0001", "2000", "0700", "0400"),
        "xr_serial": ("a120",),
    }
)

#: wTotalLength in bytes that a driver compares with, by idVendor:idProduct: it tells how far the device has booted.
TOTALS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "041e:3000": (483, 794),  # Extigy without and with firmware
        "0763:2030": (98, 172, 198),  # FastTrack Pro
        "0763:2006": (98, 280),  # Transit
        "0763:2081": (98, 172),
        "0dba:3000": (646, 48),  # Mbox 2 once it has booted
        "0dba:5000": (464,),
    }
)
