"""``usbfuzz import``: files in, case files out, nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from usbfuzz.case import ScriptedDevice, load
from usbfuzz.cli.import_ import import_command
from usbfuzz.errors import InputError
from usbfuzz.wire import STALL, Setup, data

from .capture_files import MMAPPED, control, packets, pcap
from .lsusb_texts import HEADSET_2007, TEXTS

WEBCAM = next(path for path in TEXTS if "webcam" in path.name)


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(
        import_command, [str(argument) for argument in arguments], input=stdin, standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    return result


def test_a_dump_becomes_a_case_file_that_loads_and_plugs(tmp_path: Path) -> None:
    result = run(WEBCAM, "-o", tmp_path / "x.toml")
    case = load(tmp_path / "x.toml")
    assert len(case.events) == 1
    assert WEBCAM.name in case.provenance.source
    assert "2232:1005" in result.output
    assert "video" in result.output
    assert "made up" in result.output


def test_standard_input_is_a_file_too(tmp_path: Path) -> None:
    run("-", "-o", tmp_path, stdin=HEADSET_2007)
    (written,) = tmp_path.glob("*.toml")
    assert load(written).devices[0].device[8:12] == bytes.fromhex("2a 06 04 90")


def test_devices_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    run(WEBCAM, WEBCAM, "-o", tmp_path)
    first, second = sorted(path.stem for path in tmp_path.glob("*.toml"))
    assert second == f"{first}-2"


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    target = tmp_path / "x.toml"
    target.write_text("mine")
    with pytest.raises(InputError, match=r"exists already; give --force"):
        run(WEBCAM, "-o", target)
    assert target.read_text() == "mine"
    run(WEBCAM, "-o", target, "--force")
    assert load(target).devices


def test_several_devices_do_not_fit_into_one_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose one with -d VID:PID, or give a directory"):
        run(WEBCAM, TEXTS[0], "-o", tmp_path / "x.toml")
    with pytest.raises(InputError, match=r"\(2232:1005\); give a directory: -o .*/x$"):
        run(WEBCAM, WEBCAM, "-o", tmp_path / "x.toml")
    run(WEBCAM, TEXTS[0], "-o", tmp_path / "x.toml", "-d", "2232:1005")
    assert load(tmp_path / "x.toml").devices[0].device[8:10] == bytes.fromhex("32 22")


def test_a_bad_file_is_an_error_and_the_others_are_imported(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("nothing")
    with pytest.raises(InputError, match=r"bad\.txt"):
        run(bad, WEBCAM, "-o", tmp_path)
    assert len(list(tmp_path.glob("*.toml"))) == 1


@pytest.mark.parametrize("content", [b"", b" \r\n\n", b"\x1f\x8b\x08damaged"])
def test_an_empty_or_damaged_file_is_an_error_and_the_others_are_imported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.txt: is (empty|damaged)"):
        run(tmp_path / "bad.txt", WEBCAM, "-o", tmp_path)
    assert len(list(tmp_path.glob("*.toml"))) == 1


def test_ids_nobody_has_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dead:beef"):
        run(WEBCAM, "-o", tmp_path, "-d", "dead:beef")


@pytest.mark.parametrize("ids", ["0x2232:0x1005", "2232:1005"])
def test_ids_may_be_written_as_in_programs(tmp_path: Path, ids: str) -> None:
    run(WEBCAM, "-o", tmp_path / "x.toml", "-d", ids)
    assert load(tmp_path / "x.toml").devices


@pytest.mark.parametrize("ids", ["", "webcam", "2232", "2232:", "2232:10055", "2232:100g"])
def test_what_is_no_pair_of_ids_is_told_before_anything_is_read(tmp_path: Path, ids: str) -> None:
    with pytest.raises(InputError, match=f"^-d {ids}: is no VID:PID; give both in hex"):
        run(tmp_path / "no such dump", "-d", ids)


@pytest.mark.parametrize("place", ["file", "output"])
def test_a_name_the_system_refuses_is_an_error_that_names_it(tmp_path: Path, place: str) -> None:
    long = tmp_path / ("x" * 300)
    with pytest.raises(InputError, match=f"{'x' * 300}: .*: File name too long; give"):
        run(*((long, "-o", tmp_path) if place == "file" else (WEBCAM, "-o", long)))


def test_a_directory_of_other_files_says_how_to_give_them(tmp_path: Path) -> None:
    (tmp_path / "dump.txt").write_bytes(HEADSET_2007)
    with pytest.raises(InputError, match=rf"other files by their names: {tmp_path}/\*$"):
        run(tmp_path)


def test_a_capture_of_the_device_at_work_joins_its_dump(tmp_path: Path) -> None:
    vendor = Setup(0xC0, 0x21, 0x1234, 0, 64)
    capture = tmp_path / "late.pcap"
    capture.write_bytes(pcap(packets([control(vendor, data(b"firmware 1.2"))]), MMAPPED))
    run(WEBCAM, "-o", tmp_path / "alone.toml")
    run(WEBCAM, "-o", tmp_path / "joined.toml", "--capture", capture)
    alone, joined = (load(tmp_path / f"{name}.toml").devices[0] for name in ("alone", "joined"))
    assert joined.configurations == alone.configurations
    assert ScriptedDevice(joined).on_control(vendor, b"").data == b"firmware 1.2"
    assert ScriptedDevice(alone).on_control(vendor, b"") == STALL


def test_what_is_no_capture_joins_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no capture; give pcap"):
        run(WEBCAM, "-o", tmp_path / "x.toml", "--capture", WEBCAM)
    assert not (tmp_path / "x.toml").exists()


def test_a_directory_that_is_not_there_is_made_with_those_above_it(tmp_path: Path) -> None:
    run(WEBCAM, "-o", tmp_path / "new" / "devices")
    run(WEBCAM, "-o", tmp_path / "newer" / "x.toml")
    assert len(list(tmp_path.glob("new/devices/*.toml"))) == 1
    assert load(tmp_path / "newer" / "x.toml").devices


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("there", "there: is a file, no directory; give a directory, or for one device a name that ends in .toml"),
        ("there/x.toml", "there: is a file, no directory; give a directory"),
        ("there/below/deeper", "there: is a file, no directory; give a directory"),
        ("there.toml", r"there\.toml: exists already"),
    ],
)
def test_a_target_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, output: str, what: str
) -> None:
    for name in ("there", "there.toml"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=what):
        run(tmp_path / "no such dump", "-o", tmp_path / output)


def test_nothing_is_made_when_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InputError):
        run(tmp_path / "empty", "-o", tmp_path / "new")
    assert not (tmp_path / "new").exists()
