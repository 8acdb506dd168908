"""The guest agent's binary, and one that runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.guest.agent_client import PROTOCOL_VERSION
from harness.guest.image.programs import AGENT

from .native import Peer


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return AGENT.binary(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def peer(binary: Path) -> Iterator[Peer]:
    peer = Peer(binary)
    assert peer.line() == f"* ready {PROTOCOL_VERSION} {os.uname().release}"
    yield peer
    peer.close()
