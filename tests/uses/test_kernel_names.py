"""The tables of the kernel's names, against the kernel's headers on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from usbfuzz.uses.kernel.calls import TABLES

HEADERS = {
    "common": "fcntl.h poll.h sys/mman.h sys/socket.h unistd.h",
    "video": "linux/videodev2.h linux/media.h linux/uvcvideo.h linux/usb/video.h",
    "sound": "sound/asound.h",
    "input": "linux/input.h linux/hidraw.h linux/hiddev.h linux/joystick.h",
    "serial": "asm/termbits.h linux/serial.h linux/lp.h linux/usb/tmc.h linux/usb/cdc-wdm.h linux/watchdog.h",
    "dvb": "linux/dvb/frontend.h linux/dvb/dmx.h linux/dvb/ca.h linux/dvb/net.h",
    "usbfs": "linux/usbdevice_fs.h",
    "storage": "linux/fs.h linux/hdreg.h scsi/sg.h linux/cdrom.h scsi/scsi_ioctl.h",
    "net": "sys/socket.h linux/if.h linux/if_packet.h linux/sockios.h linux/can.h linux/can/raw.h linux/rtnetlink.h",
}
#: Macros that take the length, or which bits, as arguments.
SIZED = {"EVIOCGBIT": "(0, 0)", "EVIOCGABS": "(0)", "EVIOCSABS": "(0)"}
#: Names that no header of user space has.
OURS = {
    "input_rep", "input_keycode", "can_newlink", "sockaddr_hci", "HCIDEVUP", "HCIDEVDOWN", "HCIDEVRESET", "BTPROTO_HCI",
}  # fmt: skip


@pytest.mark.parametrize("room", TABLES)
def test_sizes_requests_and_constants_are_those_of_the_headers(room: str, tmp_path: Path) -> None:
    table = TABLES[room]
    structs = {name: len(struct.base) for name, struct in table.structs.items() if name not in OURS}
    checks = [f"_Static_assert(sizeof(struct {name}) == {size}, {name!r});" for name, size in structs.items()]
    for name, request in table.requests.items():
        if name not in OURS:
            macro = name + (SIZED.get(name, "(0)") if request.argument == "data" or name in SIZED else "")
            checks.append(f"_Static_assert((unsigned int)({macro}) == {request.number:#x}, {name!r});")
    checks += [
        f"_Static_assert((unsigned int)({name}) == {number & 0xFFFFFFFF:#x}, {name!r});"
        for name, number in table.constants.items()
        if name not in OURS
    ]
    includes = ["#define _GNU_SOURCE", "#include <stddef.h>", "#include <sys/time.h>", "#include <sys/ioctl.h>"]
    includes += [f"#include <{header}>" for header in HEADERS[room].split()]
    source = tmp_path / "names.c"
    source.write_text("\n".join((*includes, *checks)).replace("'", '"') + "\n")
    done = subprocess.run(["cc", "-fsyntax-only", str(source)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr[:2000]
