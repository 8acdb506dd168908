"""Fixtures that boot real guests: kernels, images and snapshots come from the user's own cache."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

import pytest

from harness.guest.qemu import Mode
from harness.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane import LaneConfig


@cache
def _prepared(kernel: str, mode: Mode) -> LaneConfig:
    return asyncio.run(prepare(kernel, mode=mode))


@pytest.fixture(scope="session")
def guest() -> Callable[..., LaneConfig]:
    """``guest("debian:5.10.223")``: what a lane needs for that kernel, fetched and built on first use."""

    def config(kernel: str, mode: Mode = Mode.WARP) -> LaneConfig:
        return _prepared(kernel, mode)

    return config
