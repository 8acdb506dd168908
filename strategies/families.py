"""Endpoint layouts by family of drivers, for modules that :mod:`strategies.needs` does not list."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FAMILIES", "PREFIXES"]

#: Layouts to try on a module of a family when nothing more is known about it.
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "serial": ("bi bo", "ii bi bo", "bi bo ii", "bi bo bi bo ii", "bi bo | bi bo", "ii bi bo | bi bo | bi bo"),
        "net": ("bi bo ii", "ii bi bo", "bi bo", "02.06.00 ii | 0a.00.00 / 0a.00.00 bi bo"),
        "wifi": ("bi bo bo", "bi bi bo bo bo bo", "bo bi ii io", "bi bo bo bo bo bo bo"),
        "dvb": ("bo1 bi1 bi2", "bi2", "bo1 bi1 bi2 bi4", "bo1 bi1 / si2:940 bo1 bi1", "bi1 bo2 bi4 bi5"),
        "camera": (
            "si1:0 ii / si1:128 ii / si1:384 ii / si1:512 / si1:680 / si1:800 / si1:900 / si1:1023",
            "bi1 bo2",
            "bi1",
            "si1:0 / si1:1023 | si2:40",
        ),
        "sound": ("ii io", "bi bo", "si so bi bo / si:512 so:512 ii", "01.01.00 | 01.02.00 / 01.02.00 so:256"),
        "input": ("ii", "03.00.00 ii", "ii io", "03.01.02 ii | 03.00.00 ii"),
        "control": ("", "ii", "bi bo", "bi bo ii io", "si so", "bi bi bo bo ii", "io", "bo"),
    }
)

#: How the names of a family's modules begin; the longest match counts, and ``control`` when there is none.
PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wifi": (
            "ath",
            "brcm",
            "mt7",
            "rt",
            "r81",
            "libertas",
            "orinoco",
            "ar55",
            "at76",
            "carl",
            "p54",
            "zd1",
            "prism",
            "rsi",
        ),
        "dvb": ("dvb", "em28", "cx231", "au08", "smsusb", "ttusb", "b2c2"),
        "camera": ("gspca", "pwc", "s2255", "stk", "usbtv", "hdpvr"),
        "sound": ("snd",),
        "input": ("radio", "hid", "imon", "iforce", "xpad"),
        "net": (
            "cdc",
            "asix",
            "qmi",
            "sierra_net",
            "rndis",
            "huawei",
            "zaurus",
            "gl620a",
            "net1080",
            "plusb",
            "kalmia",
            "int51x1",
            "lg_vl600",
        ),
        "serial": (
            "option",
            "ftdi",
            "cp210",
            "ch34",
            "qc",
            "usb_serial",
            "io_",
            "keyspan",
            "ark",
            "ssu",
            "safe",
            "empeg",
            "omninet",
            "upd",
            "xsens",
            "wishbone",
            "ipw",
            "usb_debug",
        ),
    }
)
