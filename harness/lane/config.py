"""The settings of a lane: kernel, image, how time passes, size of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import Factory, evolve, frozen

from harness.guest.command_line import kernel_command_line
from harness.guest.emulators import Emulator, Sight
from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.kernels.features import slowdown_of
from harness.guest.probe.probing import BLOCKS, Heap, Probing
from harness.guest.qemu import CODE_MIB, PORTS, Machine, Timing, memory_for
from usbfuzz.case.model import SHIFT, Case
from usbfuzz.leftovers import is_leak

__all__ = ["LaneConfig", "needs_probe"]

#: Wall seconds after which a guest counts as hung: in real time a few 5 s control timeouts are no hang. For a round
#: under a warped clock the time QEMU computes counts (see :mod:`harness.lane.watch`).
_HANG_WARP = 60.0
_HANG_REALTIME = 150.0

#: What a further processor adds to what a guest computes, of what one computes: its ticks, and whoever waits for it.
_EACH_PROCESSOR = 0.3
#: What turns of one guest microsecond would multiply it by. QEMU ends a turn in some 30 microseconds, also in a guest
#: that idles, which would compute next to nothing otherwise.
_EACH_TURN_US = 1000.0


@frozen
class LaneConfig:
    """The settings of a lane, made by :func:`harness.lane.prepare.prepare`."""

    kernel: Kernel
    image: Image
    timing: Timing
    cache_dir: Path  #: where snapshots are kept
    emulator: Emulator = Factory(lambda self: Emulator(self.kernel.arch.emulation.qemu), takes_self=True)
    #: So many times more than a stock kernel its guests compute, and are given time for.
    slowdown: float = Factory(lambda self: slowdown_of(self.kernel.name), takes_self=True)
    ports: int = PORTS
    processors: int | None = None  #: virtual ones that the user asked for; None: what a case needs, else one
    shift: int = SHIFT  #: an instruction takes 2^shift ns of a warped guest's time
    kernel_params: tuple[str, ...] = ()  #: besides those every guest has
    modules: str = "all"  #: which of the image's sets is loaded at boot
    loglevel: int = 5  #: of the console: more important messages than this are printed
    memory_mib: int = Factory(lambda self: memory_for(self.image.size), takes_self=True)
    code_mib: int = CODE_MIB  #: of translated code that QEMU keeps
    debug: int = 0  #: level of QEMU's usb-redir devices, 0 to 4, written to QEMU's log
    validate_every: int = 1  #: rounds between slab validations; 0 = never
    probing: Probing = BLOCKS  #: what the probe looks at, where QEMU has one
    leaks: bool = True  #: look through what drivers send to devices
    firmware: Path | None = None  #: the user's, a directory like /lib/firmware; drivers find what they ask for
    paced: bool = True  #: a warped clock jumps slowly; not needed where the server runs on the guest's core, and first

    @property
    def sees_coverage(self) -> bool:
        """Whether the lane asks for coverage, and its emulator shows it."""
        return self.probing.coverage and self.timing is not Timing.KVM and Sight.COVERAGE in self.emulator.sees

    @property
    def sees_heap(self) -> bool:
        """Whether the lane asks for heap checks, and its emulator shows every access."""
        wanted = self.probing.heap is not Heap.OFF and self.timing is not Timing.KVM
        return wanted and Sight.REGISTERS in self.emulator.sees

    @property
    def booted(self) -> tuple[tuple[str, ...], int, int]:
        """What decides whether a kernel boots: its parameters, processors, and log2 of an instruction's nanoseconds."""
        return self.kernel_params, self.smp, self.shift

    @property
    def smp(self) -> int:
        """How many processors the guests have."""
        return self.processors or 1

    def computed(self, seconds: float, turn_us: int = 0) -> float:
        """Of so many seconds that QEMU computed, those that a stock kernel on one processor would have needed."""
        more = 1 + _EACH_PROCESSOR * (self.smp - 1) + (_EACH_TURN_US / turn_us if turn_us else 0)
        return seconds / (self.slowdown * more)

    @property
    def hang_after(self) -> float:
        """Wall seconds in which a guest is through with anything; a round that takes longer in real time hangs."""
        return _HANG_WARP if self.timing.warped else _HANG_REALTIME

    def for_case(self, case: Case) -> LaneConfig:
        """The same with the kernel parameters that ``case`` needs, and at least as many ports as it uses.

        A guest that stops at the first bad access would not show what it came to without a probe: where that is what
        the case was kept for, the guest goes on.
        """
        goes_on = self.probing.heap is Heap.REPORT and case.recorded_names and not needs_probe(case.recorded_names)
        probing = evolve(self.probing, heap=Heap.WARN) if goes_on else self.probing
        if is_leak(case.recorded_names):
            probing = probing.counting()
        return evolve(self.booted_for(case), probing=probing)

    def booted_for(self, case: Case) -> LaneConfig:
        """The same with what a guest must be booted with for ``case``, and as many ports as it uses."""
        return evolve(
            self,
            kernel_params=tuple(dict.fromkeys((*case.guest.kernel_params, *self.kernel_params))),
            ports=max(self.ports, case.ports),
            processors=self.processors or case.guest.processors,
            shift=case.guest.schedule.shift,
        )

    def machine(self, run_dir: Path) -> Machine:
        """The machine of this lane with its files in ``run_dir``."""
        line = kernel_command_line(
            self.timing,
            self.kernel_params,
            arch=self.kernel.arch,
            loglevel=self.loglevel,
            modules=self.modules,
            paced=self.paced,
            processors=self.smp,
        )
        return Machine(
            vmlinuz=self.kernel.vmlinuz,
            initrd=self.image.path,
            command_line=line,
            run_dir=run_dir,
            timing=self.timing,
            arch=self.kernel.arch,
            emulator=self.emulator,
            ports=self.ports,
            memory_mib=self.memory_mib,
            code_mib=self.code_mib,
            processors=self.smp,
            shift=self.shift,
            debug=self.debug,
        )


def needs_probe(titles: Iterable[str]) -> bool:
    """Whether a bug with these titles is a bad access that was reported where it happened, which needs a probe."""
    return any(title.startswith(("KASAN: ", "urb-out-of-bounds ")) for title in titles)
