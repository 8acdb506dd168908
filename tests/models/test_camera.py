"""The cameras without a guest: negotiation, payloads, picture."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.models.video.camera import BulkCamera, Camera
from usbfuzz.models.video.picture import FrameSize, Picture
from usbfuzz.models.video.stream import Payloads
from usbfuzz.wire import STALL, Answer, Setup

OK = Answer()
SMALL = FrameSize(1, 32, 2, 1_000_000)
PROBE, COMMIT, BRIGHTNESS = (0x0100, 1), (0x0200, 1), (0x0200, 0x0200)


def _get(camera: Camera, bRequest: int, control: tuple[int, int], length: int = 64) -> Answer:
    return camera.on_control(Setup(0xA1, bRequest, *control, length), b"")


def _set(camera: Camera, control: tuple[int, int], block: bytes) -> Answer:
    return camera.on_control(Setup(0x21, 0x01, *control, len(block)), block)


@given(st.integers(3, 2000), st.integers(1, 4))
def test_payloads_joined_without_headers_are_the_frames(room: int, frames: int) -> None:
    payloads, whole, toggles = Payloads(SMALL, Picture()), [], []
    for _ in range(frames):
        frame = b""
        while True:
            payload = payloads.next(room)
            assert 2 < len(payload) <= room
            assert payload[0] == 2
            frame += payload[2:]
            if payload[1] & 0x02:
                break
        whole.append(frame)
        toggles.append(payload[1] & 0x01)
    assert whole == [Picture().render(SMALL)] * frames
    assert all(toggle != other for toggle, other in pairwise(toggles))


@given(st.integers(-128, 127))
def test_brightness_changes_luma_within_its_bounds_and_leaves_colour_alone(brightness: int) -> None:
    normal, changed = Picture().render(SMALL), Picture(brightness).render(SMALL)
    assert len(changed) == SMALL.dwMaxVideoFrameBufferSize
    assert changed[1::2] == normal[1::2]
    assert list(changed[0::2]) == [min(max(luma + brightness, 0), 255) for luma in normal[0::2]]


@pytest.mark.parametrize("model", [Camera, BulkCamera])
def test_what_is_probed_can_be_committed(model: type[Camera]) -> None:
    camera = model()
    wanted = bytearray(_get(camera, 0x81, PROBE).data)
    assert _get(camera, 0x85, PROBE).data == len(wanted).to_bytes(2, "little")
    wanted[3] = 2
    assert _set(camera, PROBE, bytes(wanted)) == OK
    assert camera.payloads.size.wWidth == 160
    block = _get(camera, 0x81, PROBE).data
    assert block[3] == 2
    assert int.from_bytes(block[18:22], "little") == 320 * 240 * 2
    assert _set(camera, COMMIT, block) == OK
    assert camera.payloads.size.wWidth == 320


def test_a_frame_the_camera_lacks_becomes_its_first() -> None:
    camera = Camera()
    assert _set(camera, PROBE, b"\0\0\1\2") == OK
    assert _set(camera, PROBE, b"\0\0\1\7") == OK
    assert _get(camera, 0x81, PROBE).data[3] == 1
    assert _set(camera, PROBE, b"\0\0\1") == STALL


def test_requests_for_what_the_camera_has_not_are_stalled() -> None:
    camera = Camera()
    for control in ((0x0300, 1), (0x0300, 0x0200), (0x0200, 0x0300), (0x0200, 0)):
        assert _get(camera, 0x81, control) == STALL
        assert _set(camera, control, b"\0\0") == STALL


def test_brightness_is_read_as_it_was_set() -> None:
    camera = Camera()
    assert _set(camera, BRIGHTNESS, (-5).to_bytes(2, "little", signed=True)) == OK
    assert _get(camera, 0x81, BRIGHTNESS).data == (-5).to_bytes(2, "little", signed=True)
    assert _get(camera, 0x83, BRIGHTNESS).data == b"\x7f\x00"
    assert _get(camera, 0x86, BRIGHTNESS).data == b"\x03"
    assert _set(camera, BRIGHTNESS, b"\x01") == STALL


def test_an_isochronous_frame_takes_its_interval_whatever_is_left_over_is_empty() -> None:
    camera = Camera()
    camera.on_set_interface(1, 1)
    packets = [camera.on_in(0x81, 512).data for _ in range(200)]
    for frame in (packets[:100], packets[100:]):
        assert b"".join(packet[2:] for packet in frame) == Picture().render(camera.payloads.size)
        assert not frame[-1]
    assert packets[0][1] ^ packets[100][1] == 0x01


def test_a_bulk_frame_begins_after_a_pause() -> None:
    camera = BulkCamera()
    answers = [camera.on_in(0x81, 16384) for _ in range(4)]
    assert [answer.delay_ms for answer in answers] == [100, 0, 0, 100]
    assert b"".join(answer.data[2:] for answer in answers[:3]) == Picture().render(camera.payloads.size)
