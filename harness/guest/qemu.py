"""A guest as a value, and the argument list that starts its QEMU, a pure function of it."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path

from attrs import Factory, frozen

from harness.guest.emulators import Emulator
from harness.guest.probe.plugin import Plugin
from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.case.model import SHIFT

__all__ = [
    "AGENT_PORT",
    "CODE_MIB",
    "PORTS",
    "TURNS",
    "Machine",
    "Memory",
    "Mode",
    "Timing",
    "memory_for",
    "qemu_argv",
    "redir_argv",
]

AGENT_PORT = "usbfuzz.agent"
#: Ports of a guest, each a host controller of its own: so many devices enumerate side by side, while the devices of
#: one controller would be enumerated one after the other.
PORTS = 8
#: MiB of a guest, unless its image needs more.
MEMORY_MIB = 512
#: MiB of translated code that a QEMU keeps; boots were seen to come to 60 to 154, lives of a campaign's guest to 60.
CODE_MIB = 256
#: The MiB that a guest's memory grows by, and that it has besides its image.
_STEP_MIB, _REST_MIB = 256, 224


class Mode(Enum):
    """How the user wants time to pass in the guest; the values are those of ``--mode``."""

    AUTO = "auto"  #: what finds most: warped time, on machines with KVM too
    WARP = "warp"  #: emulated, its clock skips what the guest spends waiting
    REALTIME = "realtime"  #: KVM where it is proven to run a guest, else emulated in real time
    KVM = "kvm"  #: KVM, or an error

    @property
    def wants_kvm(self) -> bool:
        """Whether KVM is used if it runs a guest here, which must be tried out then."""
        return self in {Mode.REALTIME, Mode.KVM}


class Timing(Enum):
    """How time passes in a machine, and what runs its instructions."""

    WARP = "warp"  #: TCG whose clock jumps over idle time (icount, sleep=off)
    TCG = "tcg"  #: TCG in real time
    KVM = "kvm"  #: hardware virtualisation, real time

    @property
    def warped(self) -> bool:
        """Whether the guest's clock differs from the host's: it skips idle time."""
        return self is Timing.WARP


@frozen
class Memory:
    """A file that is the guest's memory."""

    descriptor: int
    shared: bool = False  #: what the guest writes is in the file; else only its QEMU sees that


@frozen
class Machine:
    """One guest: what boots, how time passes, and the directory that holds its sockets and console."""

    vmlinuz: Path
    initrd: Path
    command_line: str
    run_dir: Path  #: private (0700); short enough for unix socket paths (107 bytes)
    timing: Timing
    arch: Arch = DEFAULT
    emulator: Emulator = Factory(lambda self: Emulator(self.arch.emulation.qemu), takes_self=True)
    ports: int = PORTS  #: one xHCI controller with one usb-redir each
    memory_mib: int = MEMORY_MIB
    code_mib: int = CODE_MIB  #: of translated code; when they are full, QEMU throws all away. 0: as QEMU thinks fit
    processors: int = 1
    shift: int = SHIFT  #: an instruction takes 2^shift ns of a warped clock
    load_snapshot: bool = False
    memory: Memory | None = None  #: None: QEMU's own
    debug: int = 0  #: usb-redir debug level, 0..4, written to ``qemu.log``
    plugin: Plugin | None = None  #: the probe that looks into the guest; needs TCG

    @property
    def console(self) -> Path:
        """What the guest's serial port printed."""
        return self.run_dir / "console.log"

    @property
    def log(self) -> Path:
        """What QEMU printed on its standard output and error."""
        return self.run_dir / "qemu.log"

    @property
    def qmp(self) -> Path:
        """QMP socket."""
        return self.run_dir / "qmp"

    @property
    def agent(self) -> Path:
        """Socket of the guest agent's virtio-serial port."""
        return self.run_dir / "agent"

    @property
    def migration(self) -> Path:
        """Socket that the guest's state is sent through when it is saved, and when it is restored."""
        return self.run_dir / "migration"

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Open files that its QEMU gets."""
        return (*((self.memory.descriptor,) if self.memory else ()), *(self.plugin.descriptors if self.plugin else ()))

    @property
    def takes_turns(self) -> bool:
        """Whether the lengths of its processors' turns can be set."""
        return self.timing.warped and self.processors > 1

    def redir(self, port: int) -> Path:
        """Socket of the usb-redir device on ``port``."""
        return self.run_dir / f"redir{port}"


def memory_for(image_bytes: int) -> int:
    """MiB for a guest with an image of that size.

    A kernel with KASAN or debug information has modules of several times the size. While it boots, the image is there
    packed and unpacked, and its files get half of the memory (Documentation/filesystems/tmpfs.rst, ``size``).
    """
    needed = 2 * image_bytes / (1 << 20) + _REST_MIB
    return max(MEMORY_MIB, _STEP_MIB * math.ceil(needed / _STEP_MIB))


def qemu_argv(machine: Machine) -> list[str]:
    """The argument list that starts ``machine``: no network, no display, unix sockets only."""
    return [
        machine.emulator.program,
        *machine.emulator.options,
        *_BARE,
        *_SANDBOX,
        *_memory(machine),
        *("-smp", str(machine.processors)),
        *_timing(machine),
        *(_TURNS if machine.takes_turns else ()),
        *("-kernel", str(machine.vmlinuz), "-initrd", str(machine.initrd), "-append", machine.command_line),
        # The serial port, which the kernel's console is on, goes to a file.
        *("-chardev", f"file,id=console,path={_comma(machine.console)}", "-serial", "chardev:console"),
        # Here and below wait=off: QEMU starts without waiting for a connection.
        *("-qmp", f"unix:{_comma(machine.qmp)},server=on,wait=off"),
        # The guest agent's channel: a character device in the guest, a socket here.
        *("-device", "virtio-serial-pci,id=serial"),
        *("-chardev", f"socket,id=agent,path={_comma(machine.agent)},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"),
        *(word for port in range(machine.ports) for word in _port(machine, port)),
        # -S: the restored guest stands still until QMP's cont, so that it misses nothing that is made ready before.
        *(("-incoming", "defer", "-S") if machine.load_snapshot else ()),
        *(("-plugin", _plugin(machine.plugin)) if machine.plugin else ()),
    ]


#: A machine that consists of nothing but what the argument list says.
_BARE = (
    "-nodefaults",  # no network card, display, CD drive or monitor unless an argument names it
    "-no-user-config",  # nothing from QEMU's configuration files either: equal arguments give equal machines
    "-nographic",
    "-no-reboot",  # exit where a real machine would reboot: after a panic, see panic=-1
    *("-name", "usbfuzz,debug-threads=on"),  # debug-threads names QEMU's threads, so that top -H tells them apart
)

#: seccomp filters: code that breaks out of the guest into QEMU can neither start programs (spawn), change user
#: (elevateprivileges), raise its own priority (resourcecontrol) nor use obsolete system calls (obsolete).
_SANDBOX = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")

#: The path of the object that ends turns, in QEMU's tree of objects.
TURNS = "/objects/turns"
#: A warped guest's processors run one after the other, each until the next timer of the guest's clock is half over, or
#: it idles or spins. So a timer that does nothing ends turns where none else would: that of a packet buffer, here of a
#: network without a card, which can be set while the guest runs. Off, it is no timer at all.
_TURNS = (
    *("-netdev", "hubport,id=turns,hubid=0"),
    *("-object", "filter-buffer,id=turns,netdev=turns,interval=1000,status=off"),
)


def _memory(machine: Machine) -> tuple[str, ...]:
    kind, mib = machine.arch.emulation.machine, machine.memory_mib
    if machine.memory is None:
        return ("-machine", kind, "-m", str(mib))
    file = f"mem-path=/proc/self/fd/{machine.memory.descriptor},share={'on' if machine.memory.shared else 'off'}"
    return (
        *("-machine", f"{kind},memory-backend=ram", "-m", str(mib)),
        *("-object", f"memory-backend-file,id=ram,size={mib}M,{file}"),
    )


def _timing(machine: Machine) -> tuple[str, ...]:
    emulation = machine.arch.emulation
    if machine.timing is Timing.KVM:
        return ("-accel", "kvm", "-cpu", emulation.cpu_kvm)
    # One thread for all virtual CPUs, without which instructions cannot be counted. In real time each has its own.
    threads = "multi" if machine.processors > 1 and not machine.timing.warped else "single"
    size = f",tb-size={machine.code_mib}" if machine.code_mib else ""
    accel = ("-accel", f"tcg,thread={threads}{size}", "-cpu", emulation.cpu_tcg)
    # The clock counts instructions; sleep=off: idle time is skipped.
    return (*accel, "-icount", f"shift={machine.shift},sleep=off") if machine.timing.warped else accel


def _port(machine: Machine, port: int) -> tuple[str, ...]:
    return redir_argv(str(port), machine.redir(port), debug=machine.debug)


def redir_argv(name: str, path: Path, *, listens: bool = True, debug: int = 0) -> tuple[str, ...]:
    """One port: a host controller with a usb-redir, whose channel is a unix socket.

    QEMU listens on it, or connects to it when it does not ``listen``.
    """
    # suppress-remote-wake=off: else QEMU clears that bit of bmAttributes in the configuration descriptor; bytes must
    # pass as they are. port=1 is the controller's first, so that the device is BUS-1 in the guest's sysfs.
    redir = f"usb-redir,id=redir{name},chardev=redir{name},bus=xhci{name}.0,port=1,suppress-remote-wake=off"
    return (
        *("-device", f"qemu-xhci,id=xhci{name}"),
        *("-chardev", f"socket,id=redir{name},path={_comma(path)}{',server=on,wait=off' if listens else ''}"),
        *("-device", f"{redir},debug={debug}" if debug else redir),
    )


def _plugin(plugin: Plugin) -> str:
    return f"{_comma(plugin.path)},shm={plugin.shm},report={plugin.report},resume={plugin.resume}"


def _comma(path: Path) -> str:
    """A path inside a QEMU option: commas are doubled."""
    return str(path).replace(",", ",,")
