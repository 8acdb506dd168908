"""The archive of one test, and the key of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels.signed_archive import FakeArchive, Key

from .archive import QemuArchive


@pytest.fixture
def mirror(tmp_path: Path, archive_key: Key) -> QemuArchive:
    """A mirror with QEMU 10.0.2 in bookworm-backports, and 7.2 in bookworm."""
    archive = FakeArchive(tmp_path / "archive", archive_key)
    archive.prepare()
    made = QemuArchive(archive, tmp_path / "cache")
    made.qemu("bookworm", "1:7.2-7")
    made.qemu("bookworm-backports", "1:10.0.2-1", depends="libfdt1 (>= 1.6)")
    made.library("bookworm", "libfdt1", "1.6.1-4")
    for suite in ("bookworm", "bookworm-backports"):
        archive.publish(suite)
    return made
