"""The guests that another machine is to have: as words, so that it prepares kernel, image and snapshot itself."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen

from harness.guest.emulators import ADVISED, Sight
from harness.guest.probe.probing import Probing
from harness.guest.qemu import Mode, Timing
from harness.lane.config import LaneConfig
from harness.lane.prepare import prepare
from usbfuzz.errors import EmulatorError, InputError, KernelError

__all__ = ["Guests"]

_MODES = {Timing.WARP: Mode.WARP, Timing.TCG: Mode.REALTIME, Timing.KVM: Mode.KVM}


@frozen
class Guests:
    """A :class:`~harness.lane.config.LaneConfig` without what is this machine's own."""

    kernel: str  #: its canonical spec
    digest: str  #: of the kernel, which must be the same there
    timing: Timing
    sees: tuple[str, ...]  #: what its emulator must show
    kernel_params: tuple[str, ...]
    processors: int | None
    shift: int
    ports: int
    modules: str
    loglevel: int
    debug: int
    validate_every: int
    probing: Probing
    leaks: bool

    @classmethod
    def of(cls, config: LaneConfig) -> Guests:
        """What another machine has to be told of these settings."""
        return cls(
            kernel=config.kernel.name,
            digest=config.kernel.digest,
            timing=config.timing,
            sees=tuple(sorted(sight.value for sight in config.emulator.sees)),
            kernel_params=config.kernel_params,
            processors=config.processors,
            shift=config.shift,
            ports=config.ports,
            modules=config.modules,
            loglevel=config.loglevel,
            debug=config.debug,
            validate_every=config.validate_every,
            probing=config.probing,
            leaks=config.leaks,
        )

    async def prepare(self, on_progress: Callable[[str], None]) -> LaneConfig:
        """The same on this machine, prepared: what it lacks is fetched and built.

        Raises KernelError, EmulatorError, InputError when it cannot be the same here, and what
        :func:`harness.lane.prepare.prepare` does.
        """
        config = await prepare(
            self.kernel,
            mode=_MODES[self.timing],
            kernel_params=self.kernel_params,
            processors=self.processors,
            probing=self.probing,
            on_progress=on_progress,
        )
        if config.kernel.digest != self.digest:
            raise KernelError(
                f"{self.kernel}: is another kernel here ({config.kernel.digest}) than where the campaign runs "
                f"({self.digest}); fetch it anew, or build it once and copy it"
            )
        if config.timing is not self.timing:
            raise InputError(f"time passes as {config.timing.value} here, and as {self.timing.value} in the campaign")
        if blind := {Sight(word) for word in self.sees} - config.emulator.sees:
            words = ", ".join(sorted(sight.value for sight in blind))
            raise EmulatorError(
                f"QEMU {config.emulator.number} here does not show {words}; there: usbfuzz emulator add {ADVISED}"
            )
        return evolve(
            config,
            shift=self.shift,
            ports=self.ports,
            modules=self.modules,
            loglevel=self.loglevel,
            debug=self.debug,
            validate_every=self.validate_every,
            leaks=self.leaks,
        )
