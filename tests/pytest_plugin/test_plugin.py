"""The pytest plugin where no guest is needed: what starting pytest costs, options, markers, a machine without QEMU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HEAVY = ("attrs", "attr", "boofuzz", "cattrs", "click", "hypothesis.strategies", "numpy", "qemu", "rich", "tomlkit")
OURS = {"usbfuzz", "usbfuzz.jobs", "usbfuzz.jobs.pytest", "usbfuzz.jobs.pytest.plugin"}


def test_starting_pytest_with_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    script = f"""
import sys
before = set(sys.modules)
import pytest
known = set(sys.modules)
import usbfuzz.jobs.pytest.plugin
print(*sorted(set(sys.modules) - known))
assert pytest.main(["--collect-only", "-q", "-p", "no:hypothesispytest", {str(tmp_path)!r}]) == 5
ours = {{name for name in sys.modules if name.split(".")[0] in ("usbfuzz", "harness", "strategies")}}
assert ours == {OURS!r}, ours
heavy = [name for name in {HEAVY!r} if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()[0].split()) == OURS


def test_pytest_finds_the_plugin_and_says_what_it_offers(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest("--help").stdout.str() + pytester.runpytest("--markers").stdout.str()
    for word in ("--usb-kernel", "--usb-mode", "usb_kernels", "usb_kernel(*kernels)", "usb_params(*words)"):
        assert word in text
    fixtures = pytester.runpytest("--fixtures").stdout.str()
    assert all(name in fixtures for name in ("usb_guest", "usb_device", "kernel_log"))


def _ids(pytester: pytest.Pytester, *words: str) -> list[str]:
    lines = pytester.runpytest("--collect-only", "-q", *words).stdout.lines
    return [line.partition("::")[2] for line in lines if "::" in line]


def test_a_test_runs_once_on_each_kernel(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(usb_guest): ...\ndef test_two(usb_device): ...\ndef test_other(): ...\n")
    assert _ids(pytester) == ["test_one[debian:bookworm]", "test_two[debian:bookworm]", "test_other"]
    assert _ids(pytester, "--usb-kernel", "a", "--usb-kernel", "b") == [
        *("test_one[a]", "test_two[a]", "test_one[b]", "test_two[b]"),
        "test_other",
    ]


def test_kernels_come_from_the_configuration_and_the_marker_has_the_last_word(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nusb_kernels =\n  debian:6.1\n  debian:6.12\n")
    pytester.makepyfile(
        """
        import pytest
        def test_any(kernel_log): ...
        @pytest.mark.usb_kernel("tree:/src/linux")
        def test_mine(usb_guest): ...
        """
    )
    assert set(_ids(pytester)) == {"test_any[debian:6.1]", "test_any[debian:6.12]", "test_mine[tree:/src/linux]"}


def test_without_qemu_tests_are_skipped_unless_a_kernel_was_asked_for(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_one(usb_guest): ...\n")
    monkeypatch.setenv("PATH", str(pytester.path))
    result = pytester.runpytest_subprocess("-rs", "-W", "error")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no guest to test in: *qemu-system-x86_64: not found on PATH*"])
    pytester.runpytest_subprocess("--usb-kernel", "debian:bookworm").assert_outcomes(errors=1)


def test_a_kernel_that_does_not_exist_is_an_error_and_not_a_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(usb_guest): ...\n")
    result = pytester.runpytest_subprocess("--usb-kernel", "/no/such/tree")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*/no/such/tree: no such file or directory*"])
