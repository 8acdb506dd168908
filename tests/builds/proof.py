"""The longer proof, which pytest runs only when it is named: a real kernel is built, boots, and has what was asked for.

``nice .venv/bin/pytest --timeout=0 tests/builds/proof.py``: hours, in the user's cache; stopped, it goes on.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.guest.builds import build_kernel
from harness.guest.kernels import default_cache, resolve
from harness.lane.config import LaneConfig
from harness.workbench import Workbench
from harness.workers.procs import usable_cores
from usbfuzz.load import load_device

pytestmark = pytest.mark.guest

STOCK = "debian:6.12"
#: In modules that were compiled with it, calls of these functions.
CALLED = {"kasan": "__asan_load4_noabort", "kcov": "__sanitizer_cov_trace_pc"}


def test_a_kernel_with_kasan_and_kcov_is_built_and_binds_devices(guest: Callable[..., LaneConfig]) -> None:
    kernel = build_kernel(STOCK, tuple(CALLED), default_cache(), jobs=usable_cores(), on_progress=print).kernel
    assert resolve(f"{STOCK}+kasan+kcov", default_cache()) == kernel
    assert functions(guest(kernel.name)) >= set(CALLED.values())


def test_the_stock_kernel_has_neither(guest: Callable[..., LaneConfig]) -> None:
    assert not functions(guest(STOCK)) & set(CALLED.values())


def functions(config: LaneConfig) -> set[str]:
    """All functions of a kernel that binds a mouse without a complaint."""
    with Workbench(config) as workbench:
        workbench.plug(0, load_device("mouse").make())
        workbench.settle()
        assert "usbhid" in workbench.drivers().values()
        assert workbench.reports() == ()
        return set(workbench.sh("cut -d' ' -f3 /proc/kallsyms").split())
