"""The cameras under uvcvideo: the pixels a program captures are those the camera sees."""

from __future__ import annotations

import pytest

from harness.workbench import Workbench
from usbfuzz.models.video.camera import BulkCamera, Camera

pytestmark = pytest.mark.guest

NODE = "/dev/video0"


def _capture(bench: Workbench, *words: object) -> bytes:
    ran = bench.run(("camera", NODE, *map(str, words)), 20)
    assert ran.status == 0, ran.output
    return ran.output


@pytest.mark.parametrize("timing", ["bench", "bench_in_real_time"])
@pytest.mark.parametrize("model", [Camera, BulkCamera])
def test_a_captured_frame_is_the_picture_in_front_of_the_camera(
    request: pytest.FixtureRequest, timing: str, model: type[Camera]
) -> None:
    bench: Workbench = request.getfixturevalue(timing)
    camera = model()
    bench.plug(0, camera)
    assert bench.drivers() == {"1-1:1.0": "uvcvideo", "1-1:1.1": "uvcvideo"}
    for width, height in ((160, 120), (320, 240), (160, 120)):
        frame = _capture(bench, width, height)
        size = camera.payloads.size
        assert (size.wWidth, size.wHeight) == (width, height)
        assert frame == camera.payloads.picture.render(size)
    assert not bench.device_errors()
    bench.unplug(0)
    assert not bench.reports()


def test_brightness_set_in_the_guest_brightens_the_picture(bench: Workbench) -> None:
    camera = Camera()
    bench.plug(0, camera)
    dark, bright = _capture(bench, 160, 120, -60), _capture(bench, 160, 120, 60)
    assert camera.payloads.picture.brightness == 60
    assert dark[0] == 120
    assert bright[0] == 240
    assert dark[1::2] == bright[1::2]
    bench.unplug(0)
