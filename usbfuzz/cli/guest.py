"""The options about guests, which most commands have: which kernel, how time passes, how it is booted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.lane.config import LaneConfig
from harness.lane.prepare import prepare

from .options import (
    firmware_option,
    gathered,
    heap_option,
    kernel_option,
    kernel_param_option,
    mode_option,
    progress,
    smp_option,
)

__all__ = ["GuestOptions", "guest_options"]


@frozen
class GuestOptions:
    """The guests that the user asked for."""

    kernel: str | None  #: as it was written; None: the one recorded, or DEFAULT_KERNEL
    mode: Mode  #: how time passes
    kernel_params: tuple[str, ...]  #: words for the kernel command line
    smp: int | None = None  #: virtual processors; None: what a case needs, else one
    heap: Heap = Heap.REPORT  #: what happens at a bad access
    firmware: Path | None = None  #: a directory like /lib/firmware

    def kernel_or(self, recorded: str | None) -> str:
        """The kernel the user named, else ``recorded`` if there is one, else DEFAULT_KERNEL."""
        return self.kernel or recorded or DEFAULT_KERNEL

    async def prepare(self, recorded: str | None = None) -> LaneConfig:
        """Get everything that guests of this kernel (see :meth:`kernel_or`) need.

        Raises what :func:`harness.lane.prepare.prepare` does.
        """
        kernel = self.kernel_or(recorded)
        config = await prepare(
            kernel,
            mode=self.mode,
            kernel_params=self.kernel_params,
            processors=self.smp,
            probing=Probing(heap=self.heap),
            on_progress=progress,
        )
        return evolve(config, firmware=None if self.firmware is None else self.firmware.resolve())


def guest_options(
    kernel_help: str,
    *,
    default: str | None = None,
    mode: Mode = Mode.AUTO,
    heap: Heap = Heap.REPORT,
    firmware: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--kernel``, ``--mode``, ``--kernel-param``, ``--smp``, ``--heap`` and ``--firmware``.

    The command gets them as ``guest``, a :class:`GuestOptions`. ``default``, ``mode`` and ``heap`` are what holds when
    the user says nothing; without ``firmware`` there is no such option.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = gathered("guest", GuestOptions)(command)
        for option in (
            *((firmware_option,) if firmware else ()),
            heap_option(heap),
            smp_option,
            kernel_param_option,
            mode_option(mode),
            kernel_option(kernel_help, default),
        ):
            command = option(command)
        return command

    return decorate
