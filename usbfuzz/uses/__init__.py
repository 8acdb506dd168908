"""What programs of user space do with a device: their text, what the kernel's names in it mean, their wire form.

A program is lines of text, one call each::

    fd = open("/dev/video*", O_RDWR)            the first such node that the device brought
    ioctl(fd, VIDIOC_REQBUFS, count=2, type=1, memory=1)
    b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1)
    m = mmap(fd, b.length, PROT_READ, MAP_SHARED, b.offset)
    ioctl(fd, VIDIOC_QBUF, index=0, type=1, memory=1)
    thread                                      the lines above have run; threads run side by side
    ioctl(fd, VIDIOC_STREAMON, type=1)
    hold until unplugged
    close(fd)
    thread
    ioctl(fd, VIDIOC_DQBUF, type=1, memory=1)
    touch(m)
    repeat until unplugged

Names are the kernel's (:mod:`usbfuzz.uses.kernel`); a request or constant that is not known there is written as a
number. :func:`compiled` checks a program and makes what the guest agent plays.
"""

from __future__ import annotations

from .text import Argument, Bytes, Call, Named, UseError, Value, parse_line
from .wire import MOST_STEPS, MOST_THREADS, compiled, compiled_lines, holds, parsed, sound

__all__ = [
    "MOST_STEPS",
    "MOST_THREADS",
    "Argument",
    "Bytes",
    "Call",
    "Named",
    "UseError",
    "Value",
    "compiled",
    "compiled_lines",
    "holds",
    "parse_line",
    "parsed",
    "sound",
]
