"""A Bluetooth controller as its host sees it: commands in, events out. Bluetooth Core 5.4, volume 4, part E."""

from __future__ import annotations

import struct
from enum import IntEnum

from attrs import define, field

__all__ = ["Controller", "Opcode"]

_COMMAND = struct.Struct("<HB")  #: opcode, length of the parameters
_COMMAND_COMPLETE = 0x0E
_SUCCESS, _UNKNOWN_COMMAND = 0x00, 0x01
_BLUETOOTH_2_0 = 3
_NAME_BYTES = 248


class Opcode(IntEnum):
    """Commands that Linux sends to a BR/EDR controller of version 2.0 until it is up, and when it goes down."""

    WRITE_DEFAULT_LINK_POLICY = 0x080F
    SET_EVENT_MASK = 0x0C01
    RESET = 0x0C03
    SET_EVENT_FILTER = 0x0C05
    READ_STORED_LINK_KEY = 0x0C0D
    DELETE_STORED_LINK_KEY = 0x0C12
    WRITE_LOCAL_NAME = 0x0C13
    READ_LOCAL_NAME = 0x0C14
    WRITE_CONN_ACCEPT_TIMEOUT = 0x0C16
    WRITE_SCAN_ENABLE = 0x0C1A
    READ_CLASS_OF_DEVICE = 0x0C23
    WRITE_CLASS_OF_DEVICE = 0x0C24
    READ_VOICE_SETTING = 0x0C25
    READ_NUM_SUPPORTED_IAC = 0x0C38
    READ_CURRENT_IAC_LAP = 0x0C39
    READ_LOCAL_VERSION = 0x1001
    READ_LOCAL_COMMANDS = 0x1002
    READ_LOCAL_FEATURES = 0x1003
    READ_BUFFER_SIZE = 0x1005
    READ_BD_ADDR = 0x1009


@define
class Controller:
    """A controller with only the features the host insists on: no LE, no pairing, no radio."""

    address: bytes = bytes.fromhex("00 1b dc 0f 7e 57")  #: as it is written: most significant byte first
    name: bytes = b"usbfuzz"
    class_of_device: bytes = bytes(3)
    unknown: set[int] = field(factory=set)  #: opcodes it was asked for and has not

    def execute(self, command: bytes) -> bytes:
        """The event that answers a command packet; none for one without a whole header."""
        if len(command) < _COMMAND.size:
            return b""
        opcode, length = _COMMAND.unpack_from(command)
        parameters = command[_COMMAND.size : _COMMAND.size + length]
        result = self._result(opcode, parameters)
        returned = bytes((_UNKNOWN_COMMAND,)) if result is None else bytes((_SUCCESS,)) + result
        body = struct.pack("<BH", 1, opcode) + returned
        return bytes((_COMMAND_COMPLETE, len(body))) + body

    def _result(self, opcode: int, parameters: bytes) -> bytes | None:
        """Return parameters after the status, all zero where no more is known; None for an unknown command."""
        match opcode:
            case Opcode.WRITE_LOCAL_NAME:
                self.name = parameters[:_NAME_BYTES].rstrip(b"\0")
            case Opcode.WRITE_CLASS_OF_DEVICE:
                self.class_of_device = parameters[:3].ljust(3, b"\0")
            case Opcode.READ_LOCAL_NAME:
                return self.name.ljust(_NAME_BYTES, b"\0")
            case Opcode.READ_CLASS_OF_DEVICE:
                return self.class_of_device
            case Opcode.READ_BD_ADDR:
                return self.address[::-1]
            case _ if opcode in _FIXED:
                return _FIXED[Opcode(opcode)]
            case _ if opcode not in tuple(Opcode):
                self.unknown.add(opcode)
                return None
        return b""


_FIXED = {
    Opcode.READ_STORED_LINK_KEY: bytes(4),
    Opcode.READ_VOICE_SETTING: b"\x60\x00",
    Opcode.READ_NUM_SUPPORTED_IAC: b"\x01",
    Opcode.READ_CURRENT_IAC_LAP: b"\x01\x33\x8b\x9e",  # general inquiry
    Opcode.READ_LOCAL_VERSION: struct.pack("<BHBHH", _BLUETOOTH_2_0, 0, _BLUETOOTH_2_0, 0xFFFF, 0),
    Opcode.READ_LOCAL_COMMANDS: bytes(64),
    Opcode.READ_LOCAL_FEATURES: bytes(8),
    Opcode.READ_BUFFER_SIZE: struct.pack("<HBHH", 310, 64, 8, 0),
}
