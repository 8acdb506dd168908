"""``usbfuzz serve`` up to where a guest is needed: what is printed, and what is refused."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from usbfuzz.errors import InputError
from usbfuzz.jobs.serve.instructions import qemu_arguments, usbip_commands
from usbfuzz.jobs.serve.usbip import Address

REDIR = "usb-redir,id=redir-a-b,chardev=redir-a-b,bus=xhci-a-b.0,port=1,suppress-remote-wake=off"


@pytest.mark.parametrize(("connect", "server"), [(False, ""), (True, ",server=on,wait=off")])
def test_the_arguments_for_qemu_are_whole_and_fit_a_shell(connect: bool, server: str) -> None:
    text = "\n".join(qemu_arguments(Path("/tmp/its, own/a.b"), connect=connect))
    printf = subprocess.run(["sh", "-c", f"printf '%s\\n' {text}"], capture_output=True, text=True, check=True)
    chardev = f"socket,id=redir-a-b,path=/tmp/its,, own/a.b{server}"
    assert printf.stdout.splitlines() == ["-device", "qemu-xhci,id=xhci-a-b", "-chardev", chardev, "-device", REDIR]


def test_the_commands_for_usbip_name_a_port_that_is_not_the_usual() -> None:
    assert usbip_commands("127.0.0.1", 3240)[1] == "usbip attach --remote=127.0.0.1 --busid=1-1"
    assert usbip_commands("::1", 4000)[1] == "usbip --tcp-port 4000 attach --remote=::1 --busid=1-1"


@pytest.mark.parametrize(
    ("text", "address", "local"),
    [
        ("3241", Address("127.0.0.1", 3241), True),
        ("localhost:1", Address("localhost", 1), True),
        ("[::1]:3240", Address("::1", 3240), True),
        ("0.0.0.0:3240", Address("0.0.0.0", 3240), False),
        ("build.example:3240", Address("build.example", 3240), False),
    ],
)
def test_an_address_is_a_port_or_a_host_and_a_port(text: str, address: Address, local: bool) -> None:
    assert Address.parse(text) == address
    assert address.is_local is local


def test_a_server_that_listens_anywhere_is_called_by_its_machines_name() -> None:
    assert Address.parse("0.0.0.0:3240").name == socket.gethostname()
    assert Address.parse("192.0.2.1:3240").name == "192.0.2.1"


@pytest.mark.parametrize("text", ["", "host", "host:", ":3240", "host:99999", "host:-1", "[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not an address; write PORT or HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mouse",), "serve needs to know to whom"),
        (("mouse", "--connect", "--usbip"), "--connect needs --socket"),
        (("tablte", "--usbip"), "tablte: is neither a file nor a device usbfuzz knows; did you mean tablet?"),
        (("mouse", "--socket", "/missing/s"), "/missing/s: no socket can be made there: /missing: No such file"),
        (("mouse", "--usbip", "nowhere"), "'nowhere' is not an address"),
        (("mouse", "--usbip", "192.0.2.1:3240"), "192.0.2.1:3240: cannot listen there"),
    ],
)
def test_what_cannot_be_served_is_one_line(words: tuple[str, ...], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "usbfuzz", "serve", *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "  -device" not in done.stdout
    assert done.returncode in (2, 4)
