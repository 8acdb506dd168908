"""What is aimed at: the functions, and the drivers whose devices lead to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guest.kernels import Kernel
from usbfuzz.errors import InputError
from usbfuzz.jobs.aim import Aim, Wanted, aim_at

from .kernels import SOURCES, kernel_of

_CLOCK = "sound/usb/clock.c"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """Its files are not to be changed."""
    return kernel_of(tmp_path_factory.mktemp("kernel"))


def _aim(kernel: Kernel, cache: Path, **wanted: object) -> Aim:
    aim = aim_at(kernel, Wanted(**wanted), cache, lambda _: None)  # type: ignore[arg-type]
    assert aim is not None
    return aim


def _error(kernel: Kernel, cache: Path, **wanted: object) -> str:
    with pytest.raises(InputError) as raised:
        _aim(kernel, cache, **wanted)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_who_wants_nothing_aims_at_nothing(kernel: Kernel, tmp_path: Path) -> None:
    assert aim_at(kernel, Wanted(), tmp_path, lambda _: None) is None


@pytest.mark.parametrize("name", ["snd-usb-audio", "snd_usb_audio"])
def test_a_driver_means_all_of_its_functions_that_run_later_than_at_its_start(
    kernel: Kernel, tmp_path: Path, name: str
) -> None:
    aim = _aim(kernel, tmp_path, drivers=(name,))
    assert aim.modules == {"snd_usb_audio"}
    assert aim.functions == {"snd_usb_audio": {"find_clock", "set_rate", "build_mixer"}}
    assert aim.wants("snd-usb-audio", "find_clock.cold")
    assert not aim.wants("snd_usb_audio", "start_up")
    assert not aim.wants("em", "em_probe")


def test_a_file_means_its_functions(kernel: Kernel, tmp_path: Path) -> None:
    aim = _aim(kernel, tmp_path, files=(_CLOCK,))
    assert aim.functions == {"snd_usb_audio": {"find_clock", "set_rate"}}
    assert aim.modules == {"snd_usb_audio"}


def test_a_directory_means_the_files_below_it(kernel: Kernel, tmp_path: Path) -> None:
    aim = _aim(kernel, tmp_path, files=("sound/usb/",))
    assert set(aim.functions) == {"snd_usb_audio", "snd_usbmidi_lib", "snd_ua101"}
    assert aim.modules == {"snd_usb_audio", "snd_ua101"}


def test_files_and_drivers_add_up(kernel: Kernel, tmp_path: Path) -> None:
    aim = _aim(kernel, tmp_path, drivers=("em",), files=(_CLOCK,))
    assert aim.modules == {"em", "snd_usb_audio"}
    assert str(aim) == "em, sound/usb/clock.c: 3 functions of 2 modules, by devices of 2 drivers"


def test_a_library_is_reached_by_the_drivers_that_need_it(kernel: Kernel, tmp_path: Path) -> None:
    assert _aim(kernel, tmp_path, drivers=("snd-usbmidi-lib",)).modules == {"snd_usb_audio", "snd_ua101"}


def test_a_part_of_a_driver_is_reached_by_that_driver(kernel: Kernel, tmp_path: Path) -> None:
    assert _aim(kernel, tmp_path, drivers=("em-dvb",)).modules == {"em"}


def test_what_drivers_ask_for_by_name_is_reached_by_those(kernel: Kernel, tmp_path: Path) -> None:
    aim = _aim(kernel, tmp_path, files=("drivers/media/dvb-frontends/si2168.c",))
    assert aim.modules == {"em"}
    assert aim.functions == {"si2168": {"tune"}}


def test_where_no_driver_is_known_to_lead_one_has_to_be_named(kernel: Kernel, tmp_path: Path) -> None:
    assert "name one with --driver as well" in _error(kernel, tmp_path, files=("fs/vfat/namei.c",))
    aim = _aim(kernel, tmp_path, drivers=("em",), files=("fs/vfat/namei.c",))
    assert aim.modules == {"em"}
    assert aim.wants("vfat", "lookup")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"drivers": ("snd-usb-adio",)}, "did you mean snd_usb_audio or"),
        ({"drivers": ("qqqq",)}, "has no such USB or HID driver; name a module"),
        ({"drivers": ("xhci-hcd",)}, "is built into"),
        ({"files": ("sound/usb/clok.c",)}, "did you mean sound/usb/clock.c"),
        ({"files": ("clock.c",)}, "did you mean sound/usb/clock.c?"),
        ({"files": ("usb",)}, "did you mean sound/usb"),
        ({"files": ("/",)}, "give a path from the top of the kernel's tree"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_close_ones(
    kernel: Kernel, tmp_path: Path, wanted: dict[str, tuple[str, ...]], words: str
) -> None:
    assert words in _error(kernel, tmp_path, **wanted)


def test_files_need_debug_information(tmp_path: Path) -> None:
    bare = kernel_of(tmp_path / "bare", debug=False)
    assert f"usbfuzz kernel debug {bare.name}" in _error(bare, tmp_path, files=(_CLOCK,))
    assert _aim(bare, tmp_path, drivers=("em",)).modules == {"em"}


def test_what_changed_since_another_kernel(kernel: Kernel, tmp_path: Path) -> None:
    clock = SOURCES[_CLOCK].replace("* 3", "* 5") + "int new_one(int urb) { return submit(urb) - 9; }\n"
    midi = SOURCES["sound/usb/midi.c"].replace("11", "12")
    new = kernel_of(tmp_path / "new", {_CLOCK: clock, "sound/usb/midi.c": midi})
    aim = _aim(new, tmp_path, since=kernel.name)
    changed = {"snd_usb_audio": {"set_rate", "new_one"}, "snd_usbmidi_lib": {"open_midi"}, "snd_ua101": {"open_midi"}}
    assert aim.functions == changed
    assert aim.modules == {"snd_usb_audio", "snd_ua101"}
    assert _aim(new, tmp_path, since=kernel.name, drivers=("snd_usb_audio",)).functions == {
        "snd_usb_audio": {"set_rate", "new_one"}
    }
    assert _aim(new, tmp_path, since=kernel.name, files=("sound/usb/midi.c",)).count == 2
    assert "the code is the same" in _error(new, tmp_path, since=kernel.name, drivers=("em",))


def test_nothing_changed_since_the_same_kernel(kernel: Kernel, tmp_path: Path) -> None:
    assert "the code is the same" in _error(kernel, tmp_path, since=kernel.name)


def test_a_kernel_that_there_is_none_of_is_one_line(kernel: Kernel, tmp_path: Path) -> None:
    assert "no such file or directory" in _error(kernel, tmp_path, since="/nowhere/at/all")
