"""Our own `lsusb -v` text, read back: random plausible devices survive the way there and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lsusb_texts import only

from strategies.devices import devices_of
from strategies.palette import BUILDERS
from usbfuzz.case import DeviceSpec
from usbfuzz.report.lsusb import render_lsusb


@settings(deadline=None)
@given(st.sampled_from(sorted(BUILDERS)).flatmap(devices_of))
def test_a_rendered_device_is_imported_byte_for_byte_unless_lsusb_hides_a_mask(spec: DeviceSpec) -> None:
    got = only(render_lsusb(spec).encode())
    assert got.device.device == spec.device
    assert got.device.bos == spec.bos
    assert got.device.reports == spec.reports
    hidden = any(note.startswith("all but") for note in got.synthesised)
    assert got.device.configurations == spec.configurations or hidden
    assert list(map(len, got.device.configurations)) == list(map(len, spec.configurations))
