"""QEMU's command line and the guest kernel's, as pure functions of a description."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from attrs import evolve, frozen

__all__ = [
    "AGENT_PORT",
    "PORTS",
    "SNAPSHOT",
    "Machine",
    "Mode",
    "Timing",
    "kernel_command_line",
    "qemu_argv",
    "redir_argv",
]

AGENT_PORT = "usbfuzz.agent"
SNAPSHOT = "booted"
#: Host controllers of a guest: as many devices enumerate side by side, each hub's work being serial.
PORTS = 8


class Mode(Enum):
    """How the user wants time to pass; values are the words of ``--mode``."""

    AUTO = "auto"  #: KVM where it is proven to run a guest, else warp
    WARP = "warp"
    REALTIME = "realtime"


class Timing(Enum):
    """How time passes in a machine."""

    WARP = "warp"  #: TCG whose clock jumps over idle time (icount, sleep=off)
    TCG = "tcg"  #: TCG in real time
    KVM = "kvm"  #: hardware virtualisation, real time

    @property
    def warped(self) -> bool:
        """The guest's clock is not the wall's."""
        return self is Timing.WARP


@frozen
class Machine:
    """One guest: what boots, how time passes, and the directory that holds its sockets, console and disk."""

    vmlinuz: Path
    initrd: Path
    command_line: str
    run_dir: Path  #: private (0700); short enough for unix socket paths (107 bytes)
    timing: Timing
    qemu: str = "qemu-system-x86_64"
    ports: int = PORTS  #: one xHCI controller with one usb-redir each
    memory_mib: int = 512
    load_snapshot: bool = False
    debug: int = 0  #: usb-redir debug level, 0..4, written to ``qemu.log``

    @property
    def console(self) -> Path:
        """What the guest's serial port printed."""
        return self.run_dir / "console.log"

    @property
    def log(self) -> Path:
        """What QEMU itself printed."""
        return self.run_dir / "qemu.log"

    @property
    def disk(self) -> Path:
        """qcow2 that holds the snapshot; the guest does not see it."""
        return self.run_dir / "state.qcow2"

    @property
    def qmp(self) -> Path:
        """QMP socket."""
        return self.run_dir / "qmp"

    @property
    def agent(self) -> Path:
        """Socket of the guest agent's virtio-serial port."""
        return self.run_dir / "agent"

    def redir(self, port: int) -> Path:
        """Socket of the usb-redir device on ``port``."""
        return self.run_dir / f"redir{port}"

    def restoring(self) -> Machine:
        """The same machine, started from its snapshot."""
        return evolve(self, load_snapshot=True)


#: What every guest is told. An oops ends the guest after its text is out (panic=-1 reboots, -no-reboot exits);
#: a soft lockup is cut at 2 x watchdog_thresh = 8 s, because a busy guest runs near real time even when warped.
_ALWAYS = (
    "console=ttyS0,115200",
    "oops=panic",
    "panic=-1",
    "softlockup_panic=1",
    "watchdog_thresh=4",
    "hung_task_panic=1",
    "unknown_nmi_panic",  # makes an injected NMI print the stack of a guest that answers nothing
    # From Debian 6.16 on the default is lazy preemption, where a kworker's endless loop hangs without a word.
    "preempt=voluntary",
    "random.trust_cpu=on",
    "net.ifnames=0",
)
#: REP_GOOD (word 3, bit 16) is hidden like ERMS. The tick is low resolution, and stops in an idle guest.
#: The clocksource watchdog would call the TSC unstable after a restored snapshot, and HPET reads are slow.
#: Pressure stall and control group accounting are a fifth of what a tick costs, and nothing to a USB driver.
_WARP = (
    *("tsc=reliable", "highres=off", "mitigations=off", "clearcpuid=112"),
    *("psi=0", "cgroup_disable=memory,cpu,cpuacct"),
)
#: The 250 Hz tick paces the jumps of a warped clock: a 5 s USB timeout takes some 30 ms of real time, not 3. Without it
#: answers lose the race, unless the guest stands still while they are made.
_PACED = ("nohz=off",)


def kernel_command_line(
    timing: Timing, params: tuple[str, ...] = (), *, loglevel: int = 5, modules: str = "all", paced: bool = True
) -> str:
    """Kernel command line; later ``params`` override earlier words of the same name.

    ``paced`` slows a warped clock's jumps down, for a server on another core than the guest.
    ``loglevel`` 5 keeps warnings and worse on the console: each printed character costs the guest under TCG.
    ``modules`` is the agent's set to load before it is ready: ``base`` or ``all``.
    """
    words = [*_ALWAYS, f"loglevel={loglevel}", f"usbfuzz.modules={modules}"]
    if timing is not Timing.KVM:
        words += _WARP + (_PACED if paced else ())
    given = {word.partition("=")[0] for word in params}
    return " ".join([word for word in words if word.partition("=")[0] not in given or "console" in word] + list(params))


def qemu_argv(machine: Machine) -> list[str]:
    """The argument list that starts ``machine``: no network, no display, unix sockets only."""
    return [
        machine.qemu,
        *("-nodefaults", "-no-user-config", "-nographic", "-no-reboot"),
        *("-name", "usbfuzz,debug-threads=on"),
        *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
        *("-machine", "q35,usb=off,vmport=off", "-m", str(machine.memory_mib), "-smp", "1"),
        *_timing(machine.timing),
        *("-kernel", str(machine.vmlinuz), "-initrd", str(machine.initrd), "-append", machine.command_line),
        *("-chardev", f"file,id=console,path={_comma(machine.console)}", "-serial", "chardev:console"),
        *("-qmp", f"unix:{_comma(machine.qmp)},server=on,wait=off"),
        *("-drive", f"if=none,id=state,{_QCOW2},file={_comma(machine.disk)}"),
        *("-device", "virtio-serial-pci,id=serial"),
        *("-chardev", f"socket,id=agent,path={_comma(machine.agent)},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"),
        *(word for port in range(machine.ports) for word in _port(machine, port)),
        *(("-loadvm", SNAPSHOT, "-S") if machine.load_snapshot else ()),
    ]


#: Else qcow2's cache sets a timer on the guest's clock every 600 s, which only the main loop can serve: the virtual
#: CPU's thread finds it due over and over and gives way late, after some tenths of a second.
_QCOW2 = "format=qcow2,cache-clean-interval=0"


#: TCG runs rep stos byte by byte (ERMS, FSRM), walks five levels of page tables for each TLB miss (LA57) and saves
#: the vector registers by helper calls at each switch to user space (XSAVE, AVX).
_SLOW_UNDER_TCG = ("erms", "fsrm", "la57", "xsave", "avx", "avx2", "pku")


#: 16 ns of guest time an instruction: about what TCG really takes, so that busy waiting (mdelay, a soft lockup) costs
#: the wall no more than the guest. Idle time is skipped at any shift.
_ICOUNT = "shift=4,sleep=off"


def _timing(timing: Timing) -> tuple[str, ...]:
    if timing is Timing.KVM:
        return ("-accel", "kvm", "-cpu", "host")
    accel = ("-accel", "tcg,thread=single", "-cpu", f"max,{','.join(f'-{name}' for name in _SLOW_UNDER_TCG)}")
    return (*accel, "-icount", _ICOUNT) if timing is Timing.WARP else accel


def _port(machine: Machine, port: int) -> tuple[str, ...]:
    return redir_argv(str(port), machine.redir(port), debug=machine.debug)


def redir_argv(name: str, path: Path, *, listens: bool = True, debug: int = 0) -> tuple[str, ...]:
    """A host controller with one usb-redir; its channel is a socket where QEMU listens, or which it connects to."""
    # suppress-remote-wake rewrites bmAttributes in the configuration descriptor; bytes must pass as they are.
    redir = f"usb-redir,id=redir{name},chardev=redir{name},bus=xhci{name}.0,port=1,suppress-remote-wake=off"
    return (
        *("-device", f"qemu-xhci,id=xhci{name}"),
        *("-chardev", f"socket,id=redir{name},path={_comma(path)}{',server=on,wait=off' if listens else ''}"),
        *("-device", f"{redir},debug={debug}" if debug else redir),
    )


def _comma(path: Path) -> str:
    """A path inside a QEMU option: commas are doubled."""
    return str(path).replace(",", ",,")
