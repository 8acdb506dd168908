"""The options about guests, which most commands have: which kernel, how time passes, how it is booted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.lane.config import LaneConfig
from harness.lane.prepare import prepare

from .options import gathered, heap_option, kernel_option, kernel_param_option, mode_option, progress

__all__ = ["GuestOptions", "guest_options"]


@frozen
class GuestOptions:
    """The guests that the user asked for."""

    kernel: str | None  #: as it was written; None: the one recorded, or DEFAULT_KERNEL
    mode: Mode  #: how time passes
    kernel_params: tuple[str, ...]  #: words for the kernel command line
    heap: Heap = Heap.REPORT  #: what happens at a bad access

    def kernel_or(self, recorded: str | None) -> str:
        """The kernel the user named, else ``recorded`` if there is one, else DEFAULT_KERNEL."""
        return self.kernel or recorded or DEFAULT_KERNEL

    async def prepare(self, recorded: str | None = None) -> LaneConfig:
        """Get everything that guests of this kernel (see :meth:`kernel_or`) need.

        Raises what :func:`harness.lane.prepare.prepare` does.
        """
        kernel = self.kernel_or(recorded)
        return await prepare(
            kernel,
            mode=self.mode,
            kernel_params=self.kernel_params,
            probing=Probing(heap=self.heap),
            on_progress=progress,
        )


def guest_options(
    kernel_help: str, *, default: str | None = None, mode: Mode = Mode.AUTO, heap: Heap = Heap.REPORT
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--kernel``, ``--mode``, ``--kernel-param`` and ``--heap``; the command gets them as ``guest``.

    That is a :class:`GuestOptions`. ``default``, ``mode`` and ``heap`` are what holds when the user says nothing.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = gathered("guest", GuestOptions)(command)
        for option in (heap_option(heap), kernel_param_option, mode_option(mode), kernel_option(kernel_help, default)):
            command = option(command)
        return command

    return decorate
