"""What usbfuzz must know about an architecture: the fields of a record."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from typing import BinaryIO

from attrs import frozen

__all__ = ["Arch", "BootImage", "CommandLine", "Emulation", "MachineCode", "Printed"]


@frozen
class BootImage:
    """The kernel file that is booted."""

    name: str  #: what kernel builders call it; in lower case also the kind of a kernel spec (``bzimage:PATH``)
    path: str  #: where ``make`` leaves it in a kernel tree
    magic: bytes  #: by which such a file is recognised
    magic_at: int  #: offset of the magic in the file
    release_of: Callable[[BinaryIO], str]  #: the kernel release that an open image carries; "" when it does not say


@frozen
class Emulation:
    """The QEMU that runs its guests, and its options."""

    qemu: str  #: program, looked for on PATH
    machine: str  #: value of ``-machine``
    cpu_kvm: str  #: value of ``-cpu`` with hardware virtualisation
    cpu_tcg: str  #: value of ``-cpu`` when emulated: without the features that TCG runs slowly


@frozen
class CommandLine:
    """Words of the kernel command line that only this architecture has, or that it spells in its own way."""

    console: str  #: puts the console on the serial port of the machine
    nmi_panic: str = ""  #: makes an NMI of unknown origin a panic, as QMP's ``inject-nmi`` sends it; "" if it has none
    later_processors: str = ""  #: has code be made for several processors when all but one are started later
    nmi_to_all: str = ""  #: has such an NMI reach all processors; "" where it does
    trusted_clock: str = ""  #: keeps the kernel from distrusting its clock source after a restored snapshot
    hidden_from_kernel: str = ""  #: hides from the kernel what ``Emulation.cpu_tcg`` cannot take away


@frozen
class Printed:
    """What only this architecture's kernels print in crash reports, as regular expressions; "" is nothing.

    Logs of all architectures are read by one set of rules (:mod:`usbfuzz.triage`): where a log comes from is not known.
    """

    program_counter: str  #: heading of the line that says where a CPU was; the function follows
    entry_prefixes: tuple[str, ...] = ()  #: of the functions that implement a system call; plain text
    syscall_entry: str = ""  #: functions between a user program and the function of a system call
    stack_bottom: str = ""  #: where the stack of a task or of an idle CPU begins, and what an idle CPU does
    fault_entry: str = ""  #: functions between a CPU fault and the printed report
    fault_address: str = ""  #: what stands before the address whose access failed
    trace_start: str = ""  #: a line after which a stack trace follows, besides "Call Trace:" and "Backtrace:"
    bare_frame: str = ""  #: a frame of a trace that has no such line before it; the groups are functions
    tick: str = ""  #: entry of the timer interrupt, below whose frames lies what the CPU was doing
    interrupt: str = ""  #: lines besides ``tick`` below which the frames of what was interrupted follow
    nmi_sent: str = ""  #: what the kernel says when it is stopped by an NMI that somebody sent
    nmi_end: str = ""  #: the frame that ends an NMI's own stack
    call_thunks: str = ""  #: code that compilers make indirect calls through
    registers: str = ""  #: beginning of a line of a register dump
    guess_before: str = ""  #: plain text before a frame that the unwinder does not vouch for, its blank included
    guess_after: str = ""  #: plain text at the end of such a line


@frozen
class MachineCode:
    """How instructions say what they mean elsewhere, so that code can be compared wherever it lies."""

    #: An instruction that goes to another place: the group is the distance to there from behind it, four bytes.
    branch: re.Pattern[bytes]
    relative: frozenset[int]  #: types of relocations that fill in a distance, others fill in an address
    wide: frozenset[int]  #: types of relocations that fill in eight bytes, others fill in four
    #: How many bytes of its instruction follow a distance of four bytes at an offset in some code.
    behind: Callable[[bytes, int], int]
    capstone: tuple[int, int]  #: architecture and mode for that disassembler
    comparing: frozenset[str]  #: mnemonics of instructions whose constant operand is what a value is compared with


@frozen(eq=False)
class Arch:
    """An architecture guests can have. Each is one object, known by its name."""

    name: str  #: in prose and messages
    uname: str  #: what ``uname -m`` prints on such a machine
    gnu: str  #: GNU triplet, by which a cross compiler for it is named
    debian: str  #: what Debian and Ubuntu call it, and kernel specs: ``debian:bookworm/NAME``
    flavour: str  #: last part of the release of Debian's stock kernels; Ubuntu's is the same everywhere
    packages: Mapping[str, str]  #: command on PATH or file: the Debian package that has it, see scripts/bootstrap
    image: BootImage
    emulation: Emulation
    command_line: CommandLine
    printed: Printed
    code: MachineCode | None = None  #: None: two builds cannot be compared
    #: Where a kernel of which no more is known may have its memory, and its code: name, start, and what is behind it.
    memory: tuple[tuple[str, int, int], ...] = ()
    #: System call numbers of sched_setattr(2) and sched_getattr(2), which libc does not wrap.
    sched_calls: tuple[int, int] = (274, 275)  # include/uapi/asm-generic/unistd.h

    @property
    def tool_prefix(self) -> str:
        """Before the name of a compiler or program for guests: "" on a machine of the same architecture."""
        return "" if platform.machine() == self.uname else f"{self.gnu}-"

    def __repr__(self) -> str:
        return f"<Arch {self.name}>"
