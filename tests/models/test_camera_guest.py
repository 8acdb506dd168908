"""The cameras under uvcvideo: the pixels a program captures are those the camera sees."""

from __future__ import annotations

import pytest

from harness.workbench import Workbench
from usbfuzz.models.video.camera import BulkCamera, Camera

pytestmark = pytest.mark.guest

NODE = "/dev/video0"


def _capture(workbench: Workbench, *words: object) -> bytes:
    ran = workbench.run(("camera", NODE, *map(str, words)), 20)
    assert ran.status == 0, ran.output
    return ran.output


@pytest.mark.parametrize("timing", ["workbench", "workbench_in_real_time"])
@pytest.mark.parametrize("model", [Camera, BulkCamera])
def test_a_captured_frame_is_the_picture_in_front_of_the_camera(
    request: pytest.FixtureRequest, timing: str, model: type[Camera]
) -> None:
    workbench: Workbench = request.getfixturevalue(timing)
    camera = model()
    workbench.plug(0, camera)
    assert workbench.drivers() == {"1-1:1.0": "uvcvideo", "1-1:1.1": "uvcvideo"}
    for width, height in ((160, 120), (320, 240), (160, 120)):
        frame = _capture(workbench, width, height)
        size = camera.payloads.size
        assert (size.wWidth, size.wHeight) == (width, height)
        assert frame == camera.payloads.picture.render(size)
    assert not workbench.device_errors()
    workbench.unplug(0)
    assert not workbench.reports()


def test_brightness_set_in_the_guest_brightens_the_picture(workbench: Workbench) -> None:
    camera = Camera()
    workbench.plug(0, camera)
    dark, bright = _capture(workbench, 160, 120, -60), _capture(workbench, 160, 120, 60)
    assert camera.payloads.picture.brightness == 60
    assert dark[0] == 120
    assert bright[0] == 240
    assert dark[1::2] == bright[1::2]
    workbench.unplug(0)
