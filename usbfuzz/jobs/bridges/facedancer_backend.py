"""A Facedancer backend whose board is a usb-redir channel of QEMU: ``BACKEND=usbredir``.

Facedancer finds backends among the subclasses that exist, so this module must be imported before a script connects its
device; :mod:`usbfuzz.jobs.bridges.facedancer_script` does that and then runs the script as it is.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from facedancer.core import FacedancerApp
from facedancer.errors import DeviceNotFoundError, EndEmulation
from facedancer.types import DeviceSpeed, USBDirection

from harness.usbredir.server import Port
from usbfuzz.errors import UsbfuzzError
from usbfuzz.wire import Speed

from . import BACKEND, SOCKET
from .facedancer_device import FacedancerDevice

__all__ = ["UsbredirApp"]

_SPEEDS = {
    DeviceSpeed.LOW: Speed.LOW,
    DeviceSpeed.FULL: Speed.FULL,
    DeviceSpeed.HIGH: Speed.HIGH,
    DeviceSpeed.SUPER: Speed.SUPER,
}
#: Seconds that each call for events takes, as Facedancer makes the next one without a pause.
_LOOK_S = 0.0002


class UsbredirApp(FacedancerApp):  # type: ignore[misc]
    """What a Facedancer device calls instead of a board. Methods have the names Facedancer gives them."""

    app_name = BACKEND

    def __init__(self, device: object = None, verbose: int = 0, quirks: object = None) -> None:
        del quirks
        super().__init__(device, verbose)
        self._device: FacedancerDevice | None = None
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    def appropriate_for_environment(cls, backend_name: str | None = None) -> bool:
        """Only when asked for by name: there is nothing to detect."""
        return backend_name == cls.app_name

    def get_version(self) -> str:
        """The name of the backend: there is no board whose version could be told."""
        return self.app_name

    def connect(
        self, usb_device: Any, max_packet_size_ep0: int = 64, device_speed: DeviceSpeed = DeviceSpeed.FULL
    ) -> None:
        """Plug the device in as soon as its event loop runs; raises DeviceNotFoundError without a channel."""
        del max_packet_size_ep0
        if not os.environ.get(SOCKET):
            raise DeviceNotFoundError(
                f"BACKEND={BACKEND} needs the socket of QEMU's usb-redir in ${SOCKET}; "
                "`usbfuzz facedancer SCRIPT` runs a script with a guest of its own"
            )
        self._device = FacedancerDevice(usb_device, _SPEEDS.get(device_speed, Speed.FULL))

    def disconnect(self) -> None:
        """Pull the device: when the loop is over, the end of the process has the same effect."""
        if self._serving is not None and not self._serving.get_loop().is_closed():
            self._serving.cancel()
        self._serving = self._device = None

    def service_irqs(self) -> None:
        """Serve the device for a moment: Facedancer calls it in a loop. Raises what a handler of the device raised."""
        if self._device is None:
            return
        if self._serving is None:
            self._serving = asyncio.get_running_loop().create_task(_serve(self._device, os.environ[SOCKET]))
        if self._serving.done():
            self._serving.result()
        if self._device.failure is not None:
            raise self._device.failure
        time.sleep(_LOOK_S)

    def send_on_control_endpoint(
        self, endpoint_number: int, in_request: Any, data: bytes, blocking: bool = True
    ) -> None:
        """Answer the request being handled with data, or with its status stage alone when there are none."""
        del endpoint_number, blocking
        self._connected.replied(bytes(data)[: in_request.length])

    def send_on_endpoint(self, endpoint_number: int, data: bytes, blocking: bool = True) -> None:
        """Queue one packet until the host reads it."""
        del blocking
        if endpoint_number:
            self._connected.queued(endpoint_number, bytes(data))
        else:
            self._connected.replied(bytes(data))

    def ack_status_stage(
        self, direction: USBDirection = USBDirection.OUT, endpoint_number: int = 0, blocking: bool = False
    ) -> None:
        """Answer the request being handled without data."""
        del direction, endpoint_number, blocking
        self._connected.replied(b"")

    def stall_endpoint(self, endpoint_number: int, direction: USBDirection = USBDirection.OUT) -> None:
        """Stall the request being handled, or an endpoint until the host clears it."""
        self._connected.stalled(endpoint_number, direction == USBDirection.IN)

    def clear_halt(self, endpoint_number: int, direction: USBDirection) -> None:
        """End the halt of an endpoint."""
        self._connected.resumed(endpoint_number, direction == USBDirection.IN)

    def read_from_endpoint(self, endpoint_number: int) -> bytes:
        """Return nothing: the device is handed what the host writes as it comes."""
        del endpoint_number
        return b""

    def configured(self, configuration: object) -> None:
        """Do nothing when the host has chosen a configuration: the channel tells QEMU its endpoints."""

    def reset(self) -> None:
        """Do nothing when the device has handled a bus reset."""

    def set_address(self, address: int, defer: bool = False) -> None:
        """Do nothing: QEMU gives devices their addresses and tells us none."""

    @property
    def _connected(self) -> FacedancerDevice:
        if self._device is None:
            raise DeviceNotFoundError("the device is not connected")
        return self._device


async def _serve(device: FacedancerDevice, path: str) -> None:
    """Keep the device plugged in until cancelled, or until QEMU goes."""
    try:
        port = await Port.connect(path)
        try:
            await port.plug(device)
            await port.closed.wait()
        finally:
            port.close()
    except UsbfuzzError as error:
        raise DeviceNotFoundError(str(error)) from error
    raise EndEmulation(f"{path}: QEMU closed the channel")
