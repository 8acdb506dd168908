"""Fixtures that boot real guests: kernels, images and snapshots come from the user's own cache."""

from __future__ import annotations

import asyncio
import gc
import os
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from harness.workbench import Workbench
from tests.kernels.signed_archive import signing_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.lane.config import LaneConfig
    from tests.kernels.signed_archive import Key

# Enough to show in each of many runs what is easily broken; and no deadline, for other work on the machine breaks it.
settings.register_profile("short", max_examples=50, deadline=None)
settings.load_profile("short")
# pytest --timeout=0 --hypothesis-profile=long: hours, for the tests whose names say "damaged" or "arbitrary"
settings.register_profile("long", max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))

# Thousands of tests and their modules stay for the whole run: looking through them again and again for garbage would be
# a third of the time of collection, and most of it where a test keeps the syntax trees of every source.
gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with a guest gets a second try: an answer that a warped guest got too late changes what it does."""
    for item in items:
        if item.get_closest_marker("guest"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each test that got a second try why it failed: what comes again and again is a bug."""
    again = terminalreporter.getreports("rerun")
    if again:
        terminalreporter.section("failed, and were run again")
    for report in again:
        terminalreporter.write_line(f"{report.nodeid}\n{report.longreprtext}\n")


def pytest_collection_finish() -> None:
    """What was collected is no garbage: the collector need not look at it any more."""
    gc.collect()
    gc.freeze()


@cache
def _prepared(kernel: str, mode: Mode) -> LaneConfig:
    return asyncio.run(prepare(kernel, mode=mode))


@pytest.fixture(scope="session")
def guest() -> Callable[..., LaneConfig]:
    """``guest("debian:5.10.223")``: what a lane needs for that kernel, fetched and built on first use."""

    def config(kernel: str, mode: Mode = Mode.WARP) -> LaneConfig:
        return _prepared(kernel, mode)

    return config


@pytest.fixture(scope="session")
def archive_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Key]:
    """The key of a mirror that tests make: gpg takes seconds for one."""
    with signing_key(tmp_path_factory.mktemp("keys") / "a") as key:
        yield key


@pytest.fixture(scope="module")
def workbench(guest: Callable[..., LaneConfig]) -> Iterator[Workbench]:
    """A guest under a warped clock to try device models on; ``USBFUZZ_TEST_KERNEL`` chooses another kernel."""
    with Workbench(guest(os.environ.get("USBFUZZ_TEST_KERNEL", "debian:bookworm"))) as workbench:
        yield workbench


@pytest.fixture(scope="module")
def workbench_in_real_time(guest: Callable[..., LaneConfig]) -> Iterator[Workbench]:
    """The same, with its clock as fast as ours."""
    with Workbench(guest(os.environ.get("USBFUZZ_TEST_KERNEL", "debian:bookworm"), Mode.REALTIME)) as workbench:
        yield workbench


@pytest.fixture
def nothing_goes_wrong(workbench: Workbench) -> Iterator[None]:
    """Afterwards port 0 is free, no method of a device has raised, and the kernel has warned of nothing."""
    yield
    workbench.unplug(0)
    assert not workbench.device_errors()
    assert workbench.reports() == ()
