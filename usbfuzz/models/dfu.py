"""A gadget whose firmware can be read and replaced. Device Class Specification for Device Firmware Upgrade 1.1."""

from __future__ import annotations

from enum import IntEnum

from usbfuzz.descriptors.constants import ClassCode, Recipient
from usbfuzz.descriptors.dfu import DfuFunctionalDescriptor
from usbfuzz.device import Device, Reply, build, control_in, control_out
from usbfuzz.wire import STALL, Setup, Speed

__all__ = ["FirmwareGadget", "Request", "State"]

_SUBCLASS, _RUNTIME, _DFU_MODE = 1, 1, 2  #: bInterfaceSubClass, bInterfaceProtocol
_TRANSFER_SIZE = 1024
_DOWNLOAD, _UPLOAD, _MANIFESTATION_TOLERANT = 1, 2, 4  #: bmAttributes; it does not detach by itself (bit 3)
_POLL_MS = 5
_OK, _ERR_ADDRESS, _ERR_NOTDONE, _ERR_STALLEDPKT = 0x00, 0x08, 0x09, 0x0F  #: bStatus
_FLASH = 1 << 20  #: bytes of firmware it has room for

_FUNCTIONAL = DfuFunctionalDescriptor(
    bmAttributes=_DOWNLOAD | _UPLOAD | _MANIFESTATION_TOLERANT, wDetachTimeOut=1000, wTransferSize=_TRANSFER_SIZE
)


class Request(IntEnum):
    """bRequest. DFU 1.1 table 3.2."""

    DETACH = 0
    DNLOAD = 1
    UPLOAD = 2
    GETSTATUS = 3
    CLRSTATUS = 4
    GETSTATE = 5
    ABORT = 6


class State(IntEnum):
    """bState. DFU 1.1 §6.1.2."""

    APP_IDLE = 0
    APP_DETACH = 1
    DFU_IDLE = 2
    DNLOAD_SYNC = 3
    DNLOAD_BUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


#: In which states a request is allowed; elsewhere it is stalled, and in DFU mode an error. DFU 1.1 appendix A.1.
_ALLOWED = {
    Request.DETACH: {State.APP_IDLE},
    Request.DNLOAD: {State.DFU_IDLE, State.DNLOAD_IDLE},
    Request.UPLOAD: {State.DFU_IDLE, State.UPLOAD_IDLE},
    Request.GETSTATUS: set(State),
    Request.CLRSTATUS: {State.ERROR},
    Request.GETSTATE: set(State),
    Request.ABORT: {State.DFU_IDLE, State.DNLOAD_SYNC, State.DNLOAD_IDLE, State.MANIFEST_SYNC, State.UPLOAD_IDLE},
}

#: The state after GETSTATUS, which is what moves things on: a block is programmed, the new firmware is checked.
_AFTER_STATUS = {State.DNLOAD_SYNC: State.DNLOAD_IDLE, State.MANIFEST_SYNC: State.DFU_IDLE}


def _configuration(bInterfaceProtocol: int) -> bytes:
    interface = {"bInterfaceClass": ClassCode.APPLICATION_SPECIFIC, "bInterfaceSubClass": _SUBCLASS}
    return build.counted(build.interface(**interface, bInterfaceProtocol=bInterfaceProtocol), _FUNCTIONAL)


class FirmwareGadget(Device):
    """Asked to detach, it comes back from the next bus reset in DFU mode, under another idProduct; the reset after that
    leads back to the application, which runs what has been downloaded.

    ``firmware`` is what it runs, at most 1 MiB.
    """

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0D10, iManufacturer=1, iProduct=2)
    in_dfu_mode = build.device(idVendor=0x0627, idProduct=0x0D11, iManufacturer=1, iProduct=3)
    strings = ((1, "usbfuzz"), (2, "Gadget"), (3, "Gadget in DFU mode"))
    configurations = (_configuration(_RUNTIME),)

    def __init__(self, firmware: bytes = b"") -> None:
        super().__init__()
        self.firmware = firmware
        self.state = State.APP_IDLE
        self.status = _OK
        self._download = bytearray()
        self._upload = 0  # bytes that are gone

    def on_reset(self) -> None:
        """A reset switches to DFU mode if the host has asked for that, and back once it has configured that mode."""
        configured = self.configuration != 0
        super().on_reset()
        if self.state is State.APP_DETACH:
            self._become(self.in_dfu_mode, _DFU_MODE, State.DFU_IDLE)
        elif configured and self.state is not State.APP_IDLE:
            self._become(type(self).device, _RUNTIME, State.APP_IDLE)

    def _become(self, device: bytes, bInterfaceProtocol: int, state: State) -> None:
        self.device, self.configurations = device, (_configuration(bInterfaceProtocol),)
        self._served = self._descriptors()
        self.state = state

    @control_out(bRequest=Request.DETACH, recipient=Recipient.INTERFACE)
    def detach(self, _setup: Setup, _payload: bytes) -> Reply:
        """Be ready to switch at the next reset."""
        if not self._allows(Request.DETACH):
            return STALL
        self.state = State.APP_DETACH
        return None

    @control_out(bRequest=Request.DNLOAD, recipient=Recipient.INTERFACE)
    def download(self, _setup: Setup, payload: bytes) -> Reply:
        """The next block of a firmware; one of no bytes ends it."""
        if not self._allows(Request.DNLOAD):
            return STALL
        if self.state is State.DFU_IDLE:
            self._download.clear()
            if not payload:
                return self._fail(_ERR_NOTDONE)
        if len(self._download) + len(payload) > _FLASH:
            return self._fail(_ERR_ADDRESS)
        self._download += payload
        self.state = State.DNLOAD_SYNC if payload else State.MANIFEST_SYNC
        return None

    @control_in(bRequest=Request.UPLOAD, recipient=Recipient.INTERFACE)
    def upload(self, setup: Setup) -> Reply:
        """The next block of the firmware; a short one is the last."""
        if not self._allows(Request.UPLOAD):
            return STALL
        if self.state is State.DFU_IDLE:
            self._upload = 0
        block = self.firmware[self._upload : self._upload + setup.wLength]
        self._upload += len(block)
        self.state = State.UPLOAD_IDLE if len(block) == setup.wLength else State.DFU_IDLE
        return block

    @control_in(bRequest=Request.GETSTATUS, recipient=Recipient.INTERFACE)
    def get_status(self, _setup: Setup) -> Reply:
        """bStatus, bwPollTimeout, bState, iString; what was put off is done then. DFU 1.1 §6.1.2."""
        if self.state is State.MANIFEST_SYNC:
            self.firmware = bytes(self._download)
        self.state = _AFTER_STATUS.get(self.state, self.state)
        return bytes((self.status, _POLL_MS, 0, 0, self.state, 0))

    @control_out(bRequest=Request.CLRSTATUS, recipient=Recipient.INTERFACE)
    @control_out(bRequest=Request.ABORT, recipient=Recipient.INTERFACE)
    def go_idle(self, setup: Setup, _payload: bytes) -> Reply:
        """Forget an error, or what was going on."""
        if not self._allows(Request(setup.bRequest)):
            return STALL
        self.state, self.status = State.DFU_IDLE, _OK
        return None

    @control_in(bRequest=Request.GETSTATE, recipient=Recipient.INTERFACE)
    def get_state(self, _setup: Setup) -> Reply:
        """bState, without any effect."""
        return bytes((self.state,))

    def _allows(self, request: Request) -> bool:
        """Whether the present state allows a request; in DFU mode, a refusal is an error to be cleared."""
        if self.state in _ALLOWED[request]:
            return True
        if self.state not in (State.APP_IDLE, State.APP_DETACH):
            self._fail(_ERR_STALLEDPKT)
        return False

    def _fail(self, bStatus: int) -> Reply:
        self.state, self.status = State.ERROR, bStatus
        return STALL
