"""The settings of a lane: kernel, image, how time passes, size of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import Factory, evolve, frozen

from harness.guest.emulators import Emulator
from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.kernels.features import slowdown_of
from harness.guest.probe.probing import BLOCKS, Heap, Probing
from harness.guest.qemu import PORTS, Machine, Timing, kernel_command_line, memory_for
from usbfuzz.case.model import Case

__all__ = ["LaneConfig", "needs_probe"]

#: Wall seconds after which a guest counts as hung: in real time a few 5 s control timeouts are no hang. For a round
#: under a warped clock the time QEMU computes counts (see :mod:`harness.lane.watch`).
_HANG_WARP = 60.0
_HANG_REALTIME = 150.0


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
    kernel_params: tuple[str, ...] = ()  #: besides those every guest has
    modules: str = "all"  #: which of the image's sets is loaded at boot
    loglevel: int = 5  #: of the console: more important messages than this are printed
    memory_mib: int = Factory(lambda self: memory_for(self.image.size), takes_self=True)
    debug: int = 0  #: level of QEMU's usb-redir devices, 0 to 4, written to QEMU's log
    validate_every: int = 1  #: rounds between slab validations; 0 = never
    probing: Probing = BLOCKS  #: what the probe looks at, where QEMU has one
    leaks: bool = True  #: look through what drivers send to devices
    paced: bool = True  #: a warped clock jumps slowly; not needed where the server runs on the guest's core, and first

    @property
    def hang_after(self) -> float:
        """Wall seconds in which a guest is through with anything; a round that takes longer in real time hangs."""
        return _HANG_WARP if self.timing.warped else _HANG_REALTIME

    def for_case(self, case: Case) -> LaneConfig:
        """The same with the kernel parameters that ``case`` needs, and at least as many ports as it uses.

        A guest that stops at the first bad access would not show what it came to without a probe: where that is what
        the case was kept for, the guest goes on.
        """
        params = tuple(dict.fromkeys((*case.guest.kernel_params, *self.kernel_params)))
        goes_on = self.probing.heap is Heap.REPORT and case.recorded_names and not needs_probe(case.recorded_names)
        probing = evolve(self.probing, heap=Heap.WARN) if goes_on else self.probing
        return evolve(self, kernel_params=params, ports=max(self.ports, case.ports), probing=probing)

    def machine(self, run_dir: Path) -> Machine:
        """The machine of this lane with its files in ``run_dir``."""
        line = kernel_command_line(
            self.timing,
            self.kernel_params,
            arch=self.kernel.arch,
            loglevel=self.loglevel,
            modules=self.modules,
            paced=self.paced,
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
            debug=self.debug,
        )


def needs_probe(titles: Iterable[str]) -> bool:
    """Whether a bug with these titles is a bad access that was reported where it happened, which needs a probe."""
    return any(title.startswith(("KASAN: ", "urb-out-of-bounds ")) for title in titles)
