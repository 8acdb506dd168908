"""The command line of a guest's kernel: what each word is there for."""

from __future__ import annotations

from usbfuzz.arch import DEFAULT, Arch

from .qemu import Timing

__all__ = ["kernel_command_line"]


def kernel_command_line(
    timing: Timing,
    params: tuple[str, ...] = (),
    *,
    arch: Arch = DEFAULT,
    loglevel: int = 5,
    modules: str = "all",
    paced: bool = True,
    processors: int = 1,
) -> str:
    """Kernel command line; later ``params`` override earlier words of the same name.

    ``loglevel`` 5 keeps warnings and worse on the console: each printed character costs the guest under TCG.
    ``modules`` is the agent's set to load before it is ready: ``base`` or ``all``.
    ``paced`` slows a warped clock's jumps down, for a server on another core than the guest.
    """
    words = [*_always(arch), f"loglevel={loglevel}", f"usbfuzz.modules={modules}"]
    if timing is not Timing.KVM:
        words += _emulated(arch)
        words += _PACED if paced else ()
    words += _of_several(arch) if processors > 1 else ()
    given = {word.partition("=")[0] for word in params}
    kept = [word for word in words if word and (word.partition("=")[0] not in given or "console" in word)]
    return " ".join([*kept, *params])


def _always(arch: Arch) -> tuple[str, ...]:
    """What every guest's kernel is told."""
    return (
        arch.command_line.console,
        # A bug is to end the guest, once its text is out: an oops panics, a panic reboots at once (-1), and QEMU's
        # -no-reboot makes of that an exit.
        "oops=panic",
        "panic=-1",
        # A soft lockup is a CPU that has run one task for 2 x watchdog_thresh = 8 s without a break. The default of
        # 20 s would be as many seconds of waiting: only idle time is skipped by a warped clock, and a loop is busy.
        "softlockup_panic=1",
        "watchdog_thresh=4",
        # A hung task (blocked for more than 120 s) panics.
        "hung_task_panic=1",
        # So that an NMI prints the stack of a guest that answers nothing (see autopsy.py).
        arch.command_line.nmi_panic,
        # From Debian 6.16 on the default is lazy preemption, where a kworker's endless loop never is a soft lockup.
        "preempt=voluntary",
        # Let the CPU's random numbers fill the pool at boot; else readers of random numbers wait for interrupts.
        "random.trust_cpu=on",
        # Network interfaces keep the names the kernel gives them.
        "net.ifnames=0",
    )


def _emulated(arch: Arch) -> tuple[str, ...]:
    """What an emulated guest's kernel is told besides."""
    return (
        arch.command_line.trusted_clock,
        # Timers of the tick's resolution: a high-resolution timer costs an interrupt of its own.
        "highres=off",
        # No work-arounds for bugs that an emulated CPU does not have.
        "mitigations=off",
        # What eight chatty devices have said is read in the guest's memory at the end of a round: all is still there.
        "log_buf_len=1M",
        # Code of the kernel and of its modules lies at the same addresses in all guests with this kernel.
        "nokaslr",
        arch.command_line.hidden_from_kernel,
        # Pressure stall and control group accounting are a fifth of what a tick costs, and nothing to a USB driver.
        "psi=0",
        "cgroup_disable=memory,cpu,cpuacct",
    )


def _of_several(arch: Arch) -> tuple[str, ...]:
    """What the kernel of a guest with several processors is told besides."""
    return (
        # The others are started when all modules are loaded: each module has the processors stop for each other many
        # times, which under TCG takes minutes.
        "maxcpus=1",
        arch.command_line.later_processors,
        # An NMI stops whichever processor something bad happened on, not the first alone.
        arch.command_line.nmi_to_all,
    )


#: The tick goes on in an idle guest (250 Hz in Debian's kernels): its interrupts pace the jumps of a warped clock, so
#: that a 5 s USB timeout takes some 30 ms of real time, not 3. Without it answers come too late, unless the guest
#: stands still while they are made.
_PACED = ("nohz=off",)
