"""Communication devices: modems, Ethernet (ECM, NCM, MBIM, EEM), RNDIS, device management."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="cdc",
    share=6,
    builder="strategies.cdc:cdc_function",
    modules=(
        "cdc_acm",
        "cdc_eem",
        "cdc_ether",
        "cdc_mbim",
        "cdc_ncm",
        "cdc_wdm",
        "huawei_cdc_ncm",
        "r8153_ecm",
        "rndis_host",
        "rndis_wlan",
        "zaurus",
    ),
    models={
        "modem": "usbfuzz.models.serial.acm:Modem",
        "serial-loopback": "usbfuzz.models.serial.acm:Modem",
        "ecm": "usbfuzz.models.net.cdc:EcmAdapter",
        "ncm": "usbfuzz.models.net.cdc:NcmAdapter",
        "eem": "usbfuzz.models.net.eem:EemAdapter",
    },
    descriptors=("usbfuzz.descriptors.cdc",),
    lsusb="usbfuzz.report.lsusb.cdc",
    nodes=(Node("tty", exercise="tty"), Node("net", exercise="net")),
)
