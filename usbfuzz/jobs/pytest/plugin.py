"""The pytest plugin: tests that plug simulated USB devices into guests running real kernels.

::

    @pytest.mark.usb_kernel("debian:6.1", "debian:6.12")
    def test_my_mouse_binds(usb_device, kernel_log):
        mouse = usb_device("mouse")
        assert mouse.drivers == {"usbhid", "hid-generic"}
        kernel_log.assert_quiet()

pytest imports this module in every project of the environment, so it imports nothing but pytest; what boots guests is
in :mod:`usbfuzz.jobs.pytest.guest`, which the first test that asks for one imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .guest import Guest, Guests, KernelLog, Plugger

__all__ = ["kernel_log", "usb_device", "usb_guest", "usb_guests", "usb_kernel"]

#: Not the command line's (:data:`harness.guest.kernels.DEFAULT_KERNEL`), which is chosen for its known bugs: a test
#: should fail because of the driver under test only.
_DEFAULT_KERNEL = "debian:bookworm"
_MARKERS = (
    "usb_kernel(*kernels): run the test once on each of these kernels, regardless of --usb-kernel",
    "usb_params(*words): boot the guest with these words on the kernel's command line",
    "usb_device(*devices): plug these in before the test starts (names of models, case files)",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--usb-kernel``, ``--usb-mode`` and the ini option ``usb_kernels``."""
    group = parser.getgroup("usbfuzz", "simulated USB devices in guests")
    group.addoption(
        "--usb-kernel",
        action="append",
        metavar="KERNEL",
        help="kernel to run usb_guest tests on, such as debian:6.1, a built tree or a kernel image; may be repeated",
    )
    group.addoption(
        "--usb-mode",
        choices=("auto", "warp", "realtime", "kvm"),
        default="auto",
        help="how time passes in guests (default: auto, which is warp: emulation that skips idle time)",
    )
    parser.addini("usb_kernels", f"kernels to run usb_guest tests on (default: {_DEFAULT_KERNEL})", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each kernel, tests of one kernel together."""
    if "usb_kernel" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("usb_kernel")
        config = metafunc.config
        given = config.getoption("--usb-kernel") or config.getini("usb_kernels") or [_DEFAULT_KERNEL]
        kernels = list(dict.fromkeys(marker.args if marker else given))
        metafunc.parametrize("usb_kernel", kernels, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A guest that crashed fails the test, with the crash as the reason and not what followed from it."""
    guest = cast("Guest | None", pyfuncitem.funcargs.get("usb_guest"))
    if guest is None:
        return (yield)
    try:
        result = yield
    except Exception as error:
        guest.check(error)
        raise
    guest.check(None)
    return result


@pytest.fixture(scope="session")
def usb_guests(request: pytest.FixtureRequest) -> Iterator[Guests]:
    """The guests of this test run, booted when first asked for."""
    from .guest import Guests  # noqa: PLC0415 - starting pytest must not pay for it

    explicit = bool(request.config.getoption("--usb-kernel"))
    guests = Guests(request.config.getoption("--usb-mode"), must_run=explicit)
    yield guests
    guests.close()


@pytest.fixture(scope="session")
def usb_kernel(request: pytest.FixtureRequest) -> str:
    """The kernel of this test, as it was named."""
    name: str = request.param
    return name


@pytest.fixture
def usb_guest(request: pytest.FixtureRequest, usb_guests: Guests, usb_kernel: str) -> Iterator[Guest]:
    """A running guest with nothing plugged in; a :class:`harness.workbench.Workbench`."""
    marker = request.node.get_closest_marker("usb_params")
    guest = usb_guests.clean(usb_kernel, tuple(marker.args) if marker else ())
    yield guest
    guest.tidy()


@pytest.fixture
def usb_device(request: pytest.FixtureRequest, usb_guest: Guest) -> Plugger:
    """``usb_device(WHAT)`` plugs a device in and returns it as :class:`usbfuzz.jobs.pytest.guest.Plugged`.

    WHAT is a model's name, a case or device file, a Device or its class, or a DeviceSpec. What is still plugged when
    the test ends is unplugged.
    """
    from .guest import Plugger  # noqa: PLC0415 - starting pytest must not pay for it

    plugger = Plugger(usb_guest, request.path.parent)
    for marker in reversed(list(request.node.iter_markers("usb_device"))):
        for device in marker.args:
            plugger(device)
    return plugger


@pytest.fixture
def kernel_log(usb_guest: Guest) -> KernelLog:
    """What the guest's kernel has said since the test began."""
    from .guest import KernelLog  # noqa: PLC0415 - starting pytest must not pay for it

    return KernelLog(usb_guest)
