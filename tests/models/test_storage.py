"""Simulated disks without a guest: SCSI commands, and the two transports as their specifications have them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.device.base import Device
from usbfuzz.errors import InputError
from usbfuzz.models.storage.bulk_only import BulkOnlyDisk
from usbfuzz.models.storage.medium import ImageFile, Memory
from usbfuzz.models.storage.scsi import BLOCK, Command, Disk, Result, Sense, SenseKey
from usbfuzz.models.storage.uas import HighSpeedUasDisk, UasDisk
from usbfuzz.wire import NAK, STALL, Answer, Setup, data

BLOCKS = 64
READ_TWO = bytes((Command.READ_10, 0, 0, 0, 0, 5, 0, 0, 2, 0))
WRITE_TWO = bytes((Command.WRITE_10, 0, 0, 0, 0, 5, 0, 0, 2, 0))
TWO = bytes(range(256)) * 4


def _disk() -> Disk:
    """A disk of 64 blocks that has told of its power on."""
    disk = Disk(Memory(bytearray(BLOCKS * BLOCK)))
    disk.execute(bytes(6))
    return disk


# SCSI


def test_the_first_command_learns_that_the_disk_was_switched_on() -> None:
    disk = Disk(Memory(bytearray(BLOCK)))
    assert disk.execute(bytes((Command.INQUIRY, 0, 0, 0, 36, 0))).data[8:24] == b"usbfuzz Simulate"
    assert disk.execute(bytes(6)).sense == Sense(SenseKey.UNIT_ATTENTION, 0x2900)
    assert disk.execute(bytes(6)) == Result()
    assert disk.execute(bytes((Command.REQUEST_SENSE, 0, 0, 0, 18, 0))).data.hex() == (
        "700006000000000a00000000290000000000"
    )


def test_what_is_written_is_read_again_by_either_form() -> None:
    disk = _disk()
    assert disk.execute(WRITE_TWO, TWO) == Result()
    assert disk.execute(READ_TWO) == Result(TWO)
    assert disk.execute(struct.pack(">BxQIxx", Command.READ_16, 6, 1)) == Result(TWO[BLOCK:])
    assert disk.execute(struct.pack(">BxQIxx", Command.WRITE_16, 0, 1), TWO[:BLOCK]) == Result()
    assert disk.medium.read(0, BLOCK) == TWO[:BLOCK]


def test_capacity_is_told_in_both_forms() -> None:
    disk = _disk()
    assert disk.execute(bytes((Command.READ_CAPACITY_10,))).data == struct.pack(">II", BLOCKS - 1, BLOCK)
    long = disk.execute(struct.pack(">BB8xIxx", Command.SERVICE_ACTION_IN_16, 0x10, 12)).data
    assert long == struct.pack(">QI", BLOCKS - 1, BLOCK)


@pytest.mark.parametrize(
    ("cdb", "sense"),
    [
        (b"\xff", 0x2000),
        (bytes((Command.READ_10, 0, 0, 0, 0, BLOCKS - 1, 0, 0, 2, 0)), 0x2100),
        (struct.pack(">BxQIxx", Command.READ_16, 1 << 63, 1), 0x2100),
        (struct.pack(">BxQIxx", Command.READ_16, 0, 0x10000), 0x2400),
        (WRITE_TWO, 0x2400),  # without its data
        (bytes((Command.INQUIRY, 1, 0x42, 0, 255, 0)), 0x2400),
        (bytes((Command.INQUIRY, 0, 0x80, 0, 255, 0)), 0x2400),
        (bytes((Command.MODE_SENSE_6, 0, 0x01, 0, 255, 0)), 0x2400),
        (bytes((Command.SERVICE_ACTION_IN_16, 0x11)), 0x2400),
    ],
)
def test_what_cannot_be_done_is_an_illegal_request(cdb: bytes, sense: int) -> None:
    assert _disk().execute(cdb).sense == Sense(SenseKey.ILLEGAL_REQUEST, sense)


def test_another_logical_unit_does_not_exist() -> None:
    assert _disk().execute(bytes(6), lun=1).sense == Sense(SenseKey.ILLEGAL_REQUEST, 0x2500)


def test_an_ejected_medium_is_not_ready_until_it_is_loaded() -> None:
    disk = _disk()
    assert disk.execute(bytes((Command.START_STOP_UNIT, 0, 0, 0, 2, 0))) == Result()
    assert disk.execute(bytes(6)).sense == Sense(SenseKey.NOT_READY, 0x3A00)
    disk.load()
    assert disk.execute(bytes(6)).sense == Sense(SenseKey.UNIT_ATTENTION, 0x2800)
    assert disk.execute(bytes(6)) == Result()


def test_every_page_it_lists_exists_and_is_as_long_as_it_says() -> None:
    disk = _disk()
    listed = disk.execute(bytes((Command.INQUIRY, 1, 0, 0, 255, 0))).data
    for page in listed[4 : 4 + listed[3]]:
        raw = disk.execute(bytes((Command.INQUIRY, 1, page, 0, 255, 0))).data
        assert (raw[1], int.from_bytes(raw[2:4], "big")) == (page, len(raw) - 4)


def test_mode_pages_tell_write_protection_and_a_cache() -> None:
    for writable, flag in ((True, 0x10), (False, 0x90)):
        disk = Disk(Memory(bytearray(BLOCK), writable))
        disk.execute(bytes(6))
        short = disk.execute(bytes((Command.MODE_SENSE_6, 0, 0x3F, 0, 255, 0))).data
        long = disk.execute(bytes((Command.MODE_SENSE_10, 0, 0x08, 0, 0, 0, 0, 0, 255, 0))).data
        assert (short[0], short[2], long[1], long[3]) == (len(short) - 1, flag, len(long) - 2, flag)
        assert short[4:] == long[8:]
        assert short[4:7] == b"\x08\x12\x04"
    assert disk.execute(bytes((Command.WRITE_10,))).sense == Sense(SenseKey.DATA_PROTECT, 0x2700)


@given(cdb=st.binary(max_size=20), payload=st.binary(max_size=1100), lun=st.integers(0, 255))
def test_no_command_block_raises_or_changes_the_size_of_the_medium(cdb: bytes, payload: bytes, lun: int) -> None:
    disk = _disk()
    disk.execute(cdb, payload, lun)
    assert 0 <= disk.payload_length(cdb) <= BLOCKS * BLOCK
    assert disk.medium.size == BLOCKS * BLOCK


# Media


def test_an_image_file_is_what_the_disk_holds(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(BLOCK * 8))
    medium = ImageFile(path)
    medium.write(BLOCK, b"hello")
    assert (medium.size, medium.writable, medium.read(BLOCK, 6)) == (BLOCK * 8, True, b"hello\0")
    assert path.read_bytes()[BLOCK : BLOCK + 5] == b"hello"


def test_what_is_no_image_is_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: not a file; make one"):
        ImageFile(tmp_path / "nothing")
    with pytest.raises(InputError, match="not a file"):
        BulkOnlyDisk(tmp_path)


# Bulk-only


def _wrap(cdb: bytes, length: int = 0, flags: int = 0, tag: int = 7) -> bytes:
    return struct.pack("<4sIIBBB", b"USBC", tag, length, flags, 0, len(cdb)) + cdb.ljust(16, b"\0")


def _status(status: int, residue: int = 0, tag: int = 7) -> Answer:
    return data(struct.pack("<4sIIB", b"USBS", tag, residue, status))


@pytest.fixture
def stick() -> BulkOnlyDisk:
    stick = BulkOnlyDisk(Memory(bytearray(BLOCKS * BLOCK)))
    stick.on_set_configuration(1)
    stick.disk.execute(bytes(6))
    return stick


def test_data_goes_out_then_in_with_a_status_each(stick: BulkOnlyDisk) -> None:
    assert stick.on_in(0x81, 13) == NAK
    assert stick.on_out(0x02, _wrap(WRITE_TWO, 1024)) == Answer()
    assert stick.on_out(0x02, TWO[:500]) == Answer()
    assert stick.on_in(0x81, 13) == NAK
    assert stick.on_out(0x02, TWO[500:]) == Answer()
    assert stick.on_in(0x81, 13) == _status(0)
    assert stick.on_out(0x02, _wrap(READ_TWO, 1024, 0x80)) == Answer()
    assert [stick.on_in(0x81, 512) for _ in range(2)] == [data(TWO[:512]), data(TWO[512:])]
    assert stick.on_in(0x81, 13) == _status(0)


def test_less_data_than_asked_for_is_a_residue(stick: BulkOnlyDisk) -> None:
    stick.on_out(0x02, _wrap(bytes((Command.INQUIRY, 0, 0, 0, 36, 0)), 100, 0x80))
    assert len(stick.on_in(0x81, 100).data) == 36
    assert stick.on_in(0x81, 13) == _status(0, residue=64)


def test_data_that_is_missing_altogether_stalls_and_the_status_follows(stick: BulkOnlyDisk) -> None:
    stick.on_out(0x02, _wrap(b"\xff", 100, 0x80))
    assert stick.on_in(0x81, 100) == STALL
    assert stick.on_in(0x81, 13) == STALL
    stick.on_control(Setup(0x02, 1, 0, 0x81, 0), b"")
    assert stick.on_in(0x81, 13) == _status(1, residue=100)


def test_data_the_host_does_not_take_is_a_phase_error(stick: BulkOnlyDisk) -> None:
    stick.on_out(0x02, _wrap(READ_TWO))
    assert stick.on_in(0x81, 13) == _status(2)


@pytest.mark.parametrize("wrong", [b"", b"USBC", _wrap(b"")[:30], _wrap(b""), b"X" + _wrap(READ_TWO)[1:]])
def test_an_invalid_wrapper_stalls_both_pipes_until_a_reset(stick: BulkOnlyDisk, wrong: bytes) -> None:
    assert stick.on_out(0x02, wrong) == STALL
    clear = [Setup(0x02, 1, 0, address, 0) for address in (0x81, 0x02)]
    for setup in clear:
        stick.on_control(setup, b"")
    assert stick.on_in(0x81, 13) == STALL
    assert stick.on_out(0x02, _wrap(bytes(6))) == STALL
    assert stick.on_control(Setup(0x21, 0xFF, 0, 0, 0), b"") == Answer()
    for setup in clear:
        stick.on_control(setup, b"")
    assert stick.on_out(0x02, _wrap(bytes(6))) == Answer()
    assert stick.on_in(0x81, 13) == _status(0)


# UAS


def _unit(cdb: bytes, tag: int) -> bytes:
    return struct.pack(">BxH12x", 1, tag) + cdb.ljust(16, b"\0")


def _sense(tag: int, sense: bytes = b"") -> Answer:
    return data(struct.pack(">BxHHB7xH", 3, tag, 0, 2 if sense else 0, len(sense)) + sense)


def _uas(model: type[UasDisk]) -> UasDisk:
    disk = model(Memory(bytearray(BLOCKS * BLOCK)))
    disk.on_set_configuration(1)
    disk.on_set_interface(0, 1)
    disk.disk.execute(bytes(6))
    return disk


def test_with_streams_each_tag_has_its_own_data_and_status() -> None:
    disk = _uas(UasDisk)
    assert disk.on_stream_out(0x07, 2, TWO) == NAK  # the host may be ahead of its command
    disk.on_out(0x04, _unit(WRITE_TWO, 2))
    disk.on_out(0x04, _unit(READ_TWO, 3))
    assert disk.on_stream_in(0x86, 3, 1024) == NAK
    assert disk.on_stream_out(0x07, 2, TWO) == Answer()
    assert disk.on_stream_in(0x86, 2, 1024) == NAK
    assert disk.on_stream_in(0x86, 3, 1024) == data(TWO)
    assert disk.on_stream_in(0x85, 3, 64) == _sense(3)
    assert disk.on_stream_in(0x85, 2, 64) == _sense(2)
    assert disk.on_stream_in(0x85, 2, 64) == NAK


def test_without_streams_the_device_says_whose_data_is_next() -> None:
    disk = _uas(HighSpeedUasDisk)
    disk.on_out(0x04, _unit(WRITE_TWO, 2))
    disk.on_out(0x04, _unit(READ_TWO, 3))
    assert disk.on_in(0x85, 64) == data(struct.pack(">BxH", 7, 2))
    assert disk.on_in(0x85, 64) == NAK
    disk.on_out(0x07, TWO)
    assert disk.on_in(0x85, 64) == _sense(2)
    assert disk.on_in(0x85, 64) == data(struct.pack(">BxH", 6, 3))
    assert disk.on_in(0x86, 1024) == data(TWO)
    assert disk.on_in(0x85, 64) == _sense(3)


def test_a_command_that_fails_has_no_data_and_says_why() -> None:
    disk = _uas(HighSpeedUasDisk)
    disk.on_out(0x04, _unit(b"\xff", 9))
    assert disk.on_in(0x85, 64) == _sense(9, Sense(SenseKey.ILLEGAL_REQUEST, 0x2000).pack())


@pytest.mark.parametrize("function", [0x01, 0x02, 0x04, 0x08])
def test_an_aborted_task_is_never_heard_of_again(function: int) -> None:
    disk = _uas(UasDisk)
    disk.on_out(0x04, _unit(WRITE_TWO, 2))
    disk.on_out(0x04, struct.pack(">BxHBxH8x", 5, 4, function, 2))
    assert disk.on_stream_in(0x85, 4, 64) == data(struct.pack(">BxH3xB", 4, 4, 0))
    assert disk.on_stream_out(0x07, 2, TWO) == NAK
    disk.on_out(0x04, _unit(READ_TWO, 2))
    assert disk.on_stream_in(0x86, 2, 1024) == data(bytes(1024))


def test_units_that_make_no_sense_are_answered_with_why_not() -> None:
    disk = _uas(UasDisk)
    disk.on_out(0x04, b"\x09" + bytes(15))
    assert disk.on_stream_in(0x85, 0, 64) == data(struct.pack(">BxH3xB", 4, 0, 2))
    disk.on_out(0x04, struct.pack(">BxHBxH8x", 5, 4, 0x77, 2))
    assert disk.on_stream_in(0x85, 4, 64) == data(struct.pack(">BxH3xB", 4, 4, 4))


def test_a_host_with_more_commands_than_tags_is_stalled() -> None:
    disk = _uas(UasDisk)
    answers = [disk.on_out(0x04, _unit(WRITE_TWO, tag)) for tag in range(1000)]
    assert answers[0] == Answer()
    assert answers[-1] == STALL


TRANSFERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((0x02, 0x04, 0x07)), st.binary(max_size=600)),
        st.tuples(st.just(0x02), st.builds(_wrap, st.binary(min_size=1, max_size=16), st.integers(0, 2000))),
        st.tuples(st.just(0x04), st.builds(_unit, st.binary(min_size=1, max_size=16), st.integers(0, 3))),
        st.tuples(st.sampled_from((0x81, 0x85, 0x86)), st.integers(0, 2000)),
    ),
    max_size=30,
)


@pytest.mark.parametrize("model", [BulkOnlyDisk, UasDisk, HighSpeedUasDisk])
@given(transfers=TRANSFERS, streams=st.booleans())
def test_no_conversation_raises(
    model: type[BulkOnlyDisk], transfers: list[tuple[int, bytes | int]], streams: bool
) -> None:
    disk: Device = model(Memory(bytearray(BLOCKS * BLOCK)))
    disk.on_set_configuration(1)
    for endpoint, what in transfers:
        if isinstance(what, int):
            answer = disk.on_stream_in(endpoint, 1, what) if streams else disk.on_in(endpoint, what)
            assert len(answer.data) <= max(what, 54)
        elif streams:
            disk.on_stream_out(endpoint, 1, what)
        else:
            disk.on_out(endpoint, what)
