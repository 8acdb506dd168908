"""Our own `lsusb -v` text, read back: random plausible devices survive the way there and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.devices import devices_of
from strategies.palette import COMPOSITE, SHARES
from usbfuzz.case import DeviceSpec
from usbfuzz.report.lsusb import render_lsusb

from .lsusb_texts import only

#: Video is not among them: of masks longer than three bytes lsusb shows a part.
KINDS = sorted(SHARES.keys() - {"video", COMPOSITE})


@settings(deadline=None)
@given(st.sampled_from(KINDS).flatmap(devices_of))
def test_a_rendered_device_is_imported_byte_for_byte(spec: DeviceSpec) -> None:
    got = only(render_lsusb(spec).encode()).device
    assert got.device == spec.device
    assert got.configurations == spec.configurations
    assert got.bos == spec.bos
    assert got.reports == spec.reports
