"""Programs as text: what is read, what is written back, what is refused and where."""

from __future__ import annotations

import pytest

from usbfuzz.uses import MOST_STEPS, MOST_THREADS, UseError, compiled, holds, parsed

CAMERA = (
    'fd = open("/dev/video*", O_RDWR|O_NONBLOCK, 1)',
    "ioctl(fd, VIDIOC_REQBUFS, count=2, type=1, memory=1)",
    "b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1)",
    "m = mmap(fd, b.length, PROT_READ, MAP_SHARED, b.offset)",
    "thread",
    "ioctl(fd, VIDIOC_STREAMON, type=V4L2_BUF_TYPE_VIDEO_CAPTURE)",
    "hold until unplugged",
    "close(fd)",
    "thread",
    'ioctl(fd, 0x1234, "00 ff" * 64)',
    "touch(m)",
    "poll(fd, POLLIN|POLLPRI, 100)",
    "repeat 3 times",
)


def test_lines_are_written_back_as_they_were_read() -> None:
    assert tuple(map(str, parsed(CAMERA))) == CAMERA


def test_flags_may_have_blanks_between_them() -> None:
    call = parsed(('fd = open("/dev/ttyUSB*", O_RDWR | O_NOCTTY |O_NONBLOCK, 1)',))[0]
    assert str(call) == 'fd = open("/dev/ttyUSB*", O_RDWR|O_NOCTTY|O_NONBLOCK, 1)'


def test_a_program_is_the_same_bytes_each_time() -> None:
    assert compiled(CAMERA) == compiled(CAMERA)
    assert compiled(CAMERA)[0] == 2  # threads besides the first lines


def test_only_a_program_that_waits_for_the_unplug_holds() -> None:
    assert holds(CAMERA)
    assert not holds(CAMERA[:6])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("what", "is no call"),
        ("open(", "is no call"),
        ('fd = open("/etc/passwd", O_RDWR)', "is no pattern"),
        ('fd = open("/dev/a" * 3, O_RDWR)', "200 characters"),
        ('fd = open("/dev/a")', "one is missing"),
        ('fd = open("/dev/a", O_RDWR, 1, 2)', "one too many"),
        ('fd = open("/dev/a", O_FOO)', "'O_FOO' is no constant"),
        ('fd = open("/dev/a", 12x)', "'12x' is no number"),
        ('fd = open("/dev/a",O_RDWR)', "a comma and a blank"),
        ("read(fd, 1)", "nothing above is called 'fd'"),
        ("read(3, 1)", "3 stands where the name of something opened belongs"),
        ("exec(1)", "'exec' is not a call"),
        ("x = sleep(1)", "gives nothing"),
        ("sleep(1, 2)", "one too many"),
        ("repeat some times", "is no call"),
        ("sleep(é)", "'é' is no number"),
    ],
)
def test_a_line_that_means_nothing_is_refused(line: str, what: str) -> None:
    with pytest.raises(UseError, match=what) as caught:
        compiled(("sleep(1)", line))
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("ioctl(fd)", "the request is missing"),
        ("ioctl(fd, VIDIOC_NOTHING)", "'VIDIOC_NOTHING' is no constant"),
        ("ioctl(fd, VIDIOC_STREAMON, 1)", "one too many"),
        ("ioctl(fd, VIDIOC_STREAMON, typ=1)", "no field 'typ'; it has type"),
        ("ioctl(fd, VIDIOC_STREAMON, type=fd.length)", "'fd' has no field 'length'"),
        ("read(fd, 99999999)", "room for 99999999 bytes"),
        ('write(fd, "0")', "stands where at most 65536 bytes belong"),
        ('write(fd, "00" * 70000)', "at most 65536 bytes"),
    ],
)
def test_an_argument_that_means_nothing_is_refused(line: str, what: str) -> None:
    with pytest.raises(UseError, match=what):
        compiled(('fd = open("/dev/video*", O_RDWR)', line))


def test_a_program_has_bounds() -> None:
    with pytest.raises(UseError, match="at most"):
        compiled(("sleep(1)",) * (MOST_STEPS + 1))
    with pytest.raises(UseError, match="at most"):
        compiled(("thread", "sleep(1)") * (MOST_THREADS + 1))
