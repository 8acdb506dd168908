"""A USB 2.0 hub with nothing behind it. USB 2.0 chapter 11.

One usbredir channel carries one device, and QEMU routes nothing through a redirected hub. So ports report what happens
to them (something attached, an overcurrent), but what is attached never answers: the kernel resets the port, tries to
address it, and gives up.
"""

from __future__ import annotations

from enum import IntEnum

from attrs import define

from usbfuzz.descriptors.constants import ClassCode, DescriptorType, Recipient, StandardRequest
from usbfuzz.descriptors.hub import HubDescriptor
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in
from usbfuzz.wire import STALL, Answer, Setup, TransferType

__all__ = ["Hub", "HubFeature", "PortFeature"]

_SINGLE_TT = 1  #: bDeviceProtocol
_CHANGES = 0x81
_CHANGE = 16  #: C_PORT_… features are their status bit's number plus 16


class PortFeature(IntEnum):
    """wValue of port requests; up to 15 also the bit in wPortStatus. USB 2.0 table 11-17."""

    CONNECTION = 0
    ENABLE = 1
    SUSPEND = 2
    OVER_CURRENT = 3
    RESET = 4
    POWER = 8
    LOW_SPEED = 9
    HIGH_SPEED = 10
    C_CONNECTION = 16
    C_ENABLE = 17
    C_SUSPEND = 18
    C_OVER_CURRENT = 19
    C_RESET = 20


class HubFeature(IntEnum):
    """wValue of hub requests. USB 2.0 table 11-17."""

    C_HUB_LOCAL_POWER = 0
    C_HUB_OVER_CURRENT = 1


@define
class _Port:
    """Status and change bits of one port."""

    status: int = 0
    change: int = 0

    def put(self, feature: PortFeature, value: bool) -> None:
        """A status bit becomes ``value``; if that is new, its change bit is set."""
        bit = 1 << feature
        if bool(self.status & bit) != value:
            self.status ^= bit
            self.change |= bit & 0x1F  # what lies above has no change bit


class Hub(Device):
    """Self-powered hub with four ports and a single transaction translator."""

    device = build.device(
        idVendor=0x0627,
        idProduct=0x0901,
        bDeviceClass=ClassCode.HUB,
        bDeviceProtocol=_SINGLE_TT,
        iManufacturer=1,
        iProduct=2,
    )
    strings = ((1, "usbfuzz"), (2, "Hub"))
    configurations = (
        build.counted(
            build.interface(bInterfaceClass=ClassCode.HUB),
            build.endpoint(_CHANGES, TransferType.INTERRUPT, wMaxPacketSize=1, bInterval=12),
            bmAttributes=0xC0,  # no remote wakeup: usbredir cannot carry it, and so the kernel never suspends the hub
            bMaxPower=0,
        ),
    )
    hub = HubDescriptor(
        bNbrPorts=4,
        wHubCharacteristics=0x0009,  # power and overcurrent protection for each port
        bPwrOn2PwrGood=10,
        bHubContrCurrent=0,
        DeviceRemovable=b"\x00\xff",
    ).raw

    def __init__(self) -> None:
        super().__init__()
        self._ports = [_Port() for _ in range(self.hub[2])]

    def on_reset(self) -> None:
        """Switch off the power of all ports."""
        super().on_reset()
        self._ports = [_Port(port.status & 1 << PortFeature.CONNECTION) for port in self._ports]

    # What happens to a port; numbers from 1 as in the specification

    def attach(self, number: int) -> None:
        """Plug a device that never answers into a port."""
        self._happen(number, PortFeature.CONNECTION, True)

    def detach(self, number: int) -> None:
        """Unplug the device of a port."""
        self._ports[number - 1].status &= ~(1 << PortFeature.ENABLE | 1 << PortFeature.HIGH_SPEED)
        self._happen(number, PortFeature.CONNECTION, False)

    def overload(self, number: int) -> None:
        """A short circuit: the port reports an overcurrent and loses its power."""
        self._ports[number - 1].status &= ~(1 << PortFeature.POWER)
        self._happen(number, PortFeature.OVER_CURRENT, True)

    def relieve(self, number: int) -> None:
        """End the short circuit of a port."""
        self._happen(number, PortFeature.OVER_CURRENT, False)

    def is_powered(self, number: int) -> bool:
        """Whether the host has switched the port's power on."""
        return bool(self._ports[number - 1].status & 1 << PortFeature.POWER)

    def _happen(self, number: int, feature: PortFeature, value: bool) -> None:
        self._ports[number - 1].put(feature, value)
        self.wake(_CHANGES)

    @endpoint_in(_CHANGES)
    def status_change(self, _length: int) -> Reply:
        """A bit for each port with a change, from bit 1 up. USB 2.0 §11.12.4."""
        changed = sum(1 << number for number, port in enumerate(self._ports, 1) if port.change)
        return bytes((changed,)) if changed else None

    # Hub requests, USB 2.0 §11.24.2

    @control_in(bRequest=StandardRequest.GET_DESCRIPTOR, wValue=DescriptorType.HUB << 8)
    def get_hub_descriptor(self, _setup: Setup) -> Reply:
        """The hub descriptor."""
        return self.hub

    @control_in(bRequest=StandardRequest.GET_STATUS)
    def get_hub_status(self, _setup: Setup) -> Reply:
        """Local power good, no overcurrent, no change."""
        return bytes(4)

    @control_out(bRequest=StandardRequest.CLEAR_FEATURE)
    def clear_hub_feature(self, setup: Setup, _payload: bytes) -> Reply:
        """Accept hub features: nothing changes at the hub as a whole."""
        return None if setup.wValue in tuple(HubFeature) else STALL

    @control_in(bRequest=StandardRequest.GET_STATUS, recipient=Recipient.OTHER)
    def get_port_status(self, setup: Setup) -> Reply:
        """wPortStatus and wPortChange."""
        port = self._port(setup)
        return STALL if port is None else port.status.to_bytes(2, "little") + port.change.to_bytes(2, "little")

    @control_out(bRequest=StandardRequest.SET_FEATURE, recipient=Recipient.OTHER)
    def set_port_feature(self, setup: Setup, _payload: bytes) -> Reply:
        """Power, suspend and reset; a reset enables at high speed, at once."""
        port = self._port(setup)
        if port is None:
            return STALL
        match setup.wValue:
            case PortFeature.POWER:
                port.status |= 1 << PortFeature.POWER
                if port.status & 1 << PortFeature.CONNECTION:  # seen only now
                    port.change |= 1 << PortFeature.CONNECTION
            case PortFeature.RESET if port.status & 1 << PortFeature.CONNECTION:
                port.status |= 1 << PortFeature.ENABLE | 1 << PortFeature.HIGH_SPEED
                port.change |= 1 << PortFeature.RESET
            case PortFeature.SUSPEND:
                port.status |= 1 << PortFeature.SUSPEND
        self.wake(_CHANGES)
        return None

    @control_out(bRequest=StandardRequest.CLEAR_FEATURE, recipient=Recipient.OTHER)
    def clear_port_feature(self, setup: Setup, _payload: bytes) -> Reply:
        """A status bit the host controls, or the acknowledgement of a change."""
        port = self._port(setup)
        if port is None or setup.wValue not in tuple(PortFeature):
            return STALL
        if setup.wValue >= _CHANGE:
            port.change &= ~(1 << setup.wValue - _CHANGE)
        elif setup.wValue in {PortFeature.ENABLE, PortFeature.SUSPEND, PortFeature.POWER}:
            port.status &= ~(1 << setup.wValue)
        return None

    def _port(self, setup: Setup) -> _Port | None:
        number = setup.wIndex & 0xFF
        return self._ports[number - 1] if 1 <= number <= len(self._ports) else None

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        """Unconfigured ports are not powered. USB 2.0 §11.13."""
        for port in self._ports:
            port.status &= 1 << PortFeature.CONNECTION
            port.change = 0
        return super().on_set_configuration(bConfigurationValue)
