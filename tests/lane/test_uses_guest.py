"""Programs of user space on real kernels: streaming, held and mapped across an unplug, writing, blocking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from harness.lane.uses import Done, Used
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Use

pytestmark = pytest.mark.guest

CAMERA = """\
fd = open("/dev/video*", O_RDWR)
ioctl(fd, VIDIOC_S_FMT, type=1, width=160, height=120, pixelformat=V4L2_PIX_FMT_YUYV)
ioctl(fd, VIDIOC_REQBUFS, count=2, type=1, memory=1)
b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1)
m = mmap(fd, b.length, PROT_READ, MAP_SHARED, b.offset)
ioctl(fd, VIDIOC_QBUF, index=0, type=1, memory=1)
ioctl(fd, VIDIOC_QBUF, index=1, type=1, memory=1)
ioctl(fd, VIDIOC_STREAMON, type=1)
thread
d = ioctl(fd, VIDIOC_DQBUF, type=1, memory=1)
ioctl(fd, VIDIOC_QBUF, index=d.index, type=1, memory=1)
touch(m)
repeat until unplugged
thread
hold until unplugged
ioctl(fd, VIDIOC_STREAMOFF, type=1)
close(fd)
munmap(m)"""
HIDRAW = """\
fd = open("/dev/hidraw*", O_RDWR)
other = dup(fd)
second = open("/dev/hidraw*", O_RDONLY|O_NONBLOCK)
thread
read(fd, 64)
thread
hold until unplugged
write(other, "00 01")
close(other)
close(second)"""
SERIAL = """\
fd = open("/dev/ttyACM*", O_RDWR|O_NONBLOCK)
ioctl(fd, TCSETS, c_cflag=B115200|CS8|CREAD|CLOCAL)
write(fd, "41 54 0d 0a" * 25)
sleep(50)
read(fd, 64)
close(fd)"""
CAPTURE = """\
fd = open("/dev/snd/pcmC*c", O_RDWR)
ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, access=SNDRV_PCM_ACCESS_MMAP_INTERLEAVED, rate=48000)
m = mmap(fd, 4096, PROT_READ, MAP_SHARED, SNDRV_PCM_MMAP_OFFSET_DATA)
ioctl(fd, SNDRV_PCM_IOCTL_PREPARE)
ioctl(fd, SNDRV_PCM_IOCTL_START)
poll(fd, POLLIN, 500)
hold until unplugged
ioctl(fd, SNDRV_PCM_IOCTL_DROP)
touch(m)
munmap(m)
close(fd)"""
BLOCKED = """\
p = socket(AF_PACKET, SOCK_RAW, 0)
none = open("/dev/video*", O_RDWR)
recvfrom(p, 64)
close(p)"""
EBADF, ENODEV, EINVAL = -9, -19, -22


def _case(model: str, program: str, *, for_ms: int | None = None, unplug_ms: int | None = None) -> Case:
    use = Event(Action.USE, use=0, for_ms=for_ms)
    unplug = () if unplug_ms is None else (Event(Action.UNPLUG, after_ms=unplug_ms),)
    device = DeviceSpec(model, b"", model=model)
    return Case((device,), (Event(Action.PLUG, device=0), use, *unplug), uses=(Use(tuple(program.split("\n"))),))


def _line(used: Used, start: str) -> tuple[str, int, int]:
    """State, result and count of the line that begins so."""
    step = used.steps[next(at for at, line in enumerate(used.lines) if line.startswith(start))]
    return step.state, step.result, step.runs


CASES = (
    _case("camera", CAMERA, for_ms=900, unplug_ms=400),
    _case("keyboard", HIDRAW),
    _case("serial-loopback", SERIAL),
    _case("headset", CAPTURE),
    _case("mouse", BLOCKED),
)


@pytest.mark.parametrize("kernel", ["debian:5.10.223", "debian:6.1"])
def test_programs_use_what_devices_bring_across_an_unplug(guest: Callable[..., LaneConfig], kernel: str) -> None:
    config = guest(kernel)

    async def run() -> list[Outcome]:
        lane = await Lane.open(config)
        try:
            return [await lane.run(case) for case in CASES]
        finally:
            await lane.close()

    outcomes = asyncio.run(run())
    assert [outcome.verdict for outcome in outcomes] == [Verdict.CLEAN] * len(CASES)
    camera, hidraw, serial, capture, blocked = (outcome.used[0] for outcome in outcomes)
    assert [used.done for used in (camera, hidraw, serial, capture)] == [Done.ENDED] * 4
    assert _line(camera, "ioctl(fd, VIDIOC_STREAMON")[:2] == ("d", 0)
    assert _line(camera, "d = ioctl(fd, VIDIOC_DQBUF")[2] > 1, "it streamed"
    # What the last of them meets: the unplug, or what the other thread did then.
    assert _line(camera, "d = ioctl(fd, VIDIOC_DQBUF")[1] in {ENODEV, EINVAL, EBADF}, "until it was pulled"
    assert _line(camera, "munmap(m)")[:2] == ("d", 0)
    assert _line(hidraw, "read(fd, 64)")[1] < 0, "the read that waited was woken"
    assert _line(hidraw, 'write(other, "00 01")')[1] == ENODEV
    assert _line(hidraw, "close(second)")[:2] == ("d", 0)
    assert _line(serial, "write(fd")[1] == 100
    assert _line(serial, "read(fd, 64)")[1] > 0, "the device sends back what it got"
    assert _line(capture, "poll(fd")[1] == 1
    assert _line(capture, "ioctl(fd, SNDRV_PCM_IOCTL_DROP)")[1] == ENODEV
    assert _line(capture, "touch(m)")[:2] == ("d", 0)
    assert blocked.done is Done.KILLED
    assert blocked.blocked == ("recvfrom(p, 64)",)
    assert blocked.impossible == ('none = open("/dev/video*", O_RDWR)',)
