"""The guest agent's binary, running on this machine; the test has the other end of its port."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

__all__ = ["Peer"]


class Peer:
    """The host's end of the port."""

    def __init__(self, binary: Path, *launcher: str) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            command = [*launcher, str(binary), "--fd", str(theirs.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self.socket.settimeout(10)
        self.lines = self.socket.makefile("rb")

    def ask(self, *requests: str) -> None:
        self.socket.sendall("".join(f"{request}\n" for request in requests).encode())

    def line(self) -> str:
        return self.lines.readline().decode().rstrip("\n")

    def data(self) -> bytes:
        kind, _, length = self.line().partition(" data ")
        assert kind.isdigit()
        body = self.lines.read(int(length) + 1)
        assert body.endswith(b"\n")
        return body[:-1]

    def run(self, *argv: str, ms: int = 10_000, key: str = "-") -> tuple[int, bytes]:
        self.ask(f"1 run {ms} {key} " + b"".join(argument.encode() + b"\0" for argument in argv).hex())
        status, _, output = self.data().partition(b"\n")
        return int(status), output

    def close(self) -> None:
        self.lines.close()
        self.socket.close()
        assert self.process.wait(10) == 0
