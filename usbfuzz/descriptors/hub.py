"""Hub descriptors: USB 2.0 §11.23.2.1, USB 3.2 §10.15.2.1."""

from __future__ import annotations

from .base import EVERYWHERE, Descriptor, Families
from .constants import DescriptorType
from .fields import blob, u8, u16

__all__ = ["FAMILIES", "HUB", "HubDescriptor", "SuperSpeedHubDescriptor"]


class HubDescriptor(Descriptor, bDescriptorType=DescriptorType.HUB, label="hub"):
    """Hub descriptor of a USB 2.0 hub. USB 2.0 §11.23.2.1."""

    bNbrPorts: u8
    wHubCharacteristics: u16
    bPwrOn2PwrGood: u8  #: 2 ms each
    bHubContrCurrent: u8  #: mA
    DeviceRemovable: blob  #: a bit for each port and one more, in whole bytes; PortPwrCtrlMask of the same size follows


class SuperSpeedHubDescriptor(Descriptor, bDescriptorType=DescriptorType.SUPERSPEED_HUB, label="SuperSpeed hub"):
    """Hub descriptor of a SuperSpeed hub, 12 bytes. USB 3.2 §10.15.2.1."""

    bNbrPorts: u8
    wHubCharacteristics: u16
    bPwrOn2PwrGood: u8  #: 2 ms each
    bHubContrCurrent: u8  #: 4 mA each
    bHubHdrDecLat: u8 = 0  #: 0.1 us each
    wHubDelay: u16 = 0  #: ns
    DeviceRemovable: u16 = 0


HUB: tuple[type[Descriptor], ...] = (HubDescriptor, SuperSpeedHubDescriptor)

FAMILIES: Families = {EVERYWHERE: HUB}
