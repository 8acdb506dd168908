"""The plugin stays inside its memory, whatever the guest, and the words of the header, say."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import SOURCES, compile_driver, run

LIVES, STEPS = 40, 1500


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``hostile_driver SEED LIVES STEPS``: a longer run by hand takes other seeds and more of both."""
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover", "-Wl,--wrap=mmap")
    sources = tuple(sorted(path.name for path in SOURCES.glob("*.c")))
    return compile_driver(
        "hostile_driver",
        sources,
        tmp_path_factory.mktemp("hostile"),
        *flags,
        helpers=("fake_qemu", "fake_kernel", "hostile_guest"),
    )


def test_a_hostile_guest_cannot_have_the_plugin_leave_its_memory(driver: Path) -> None:
    (line,) = run(driver, "1", str(LIVES), str(STEPS))
    words = line.split()
    did = {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
    assert did["lives"] > 0.9 * LIVES  # the others were refused for what their header says
    assert did["steps"] == did["lives"] * STEPS
    for name in ("callbacks", "allocations", "frees", "reports", "compared", "kept"):
        assert did[name] > 100, name
