"""What a mouse executes of a real kernel."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from usbfuzz.cli import cli


@pytest.mark.guest
def test_a_mouse_reaches_the_probe_of_usbhid_and_no_camera() -> None:
    words = ["coverage", "mouse", "--kernel", "debian:5.10.223", "--json"]
    output = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).output
    document = json.loads(output[output.index("{\n") :])
    reached = {
        (module["name"], function["name"])
        for module in document["modules"]
        for function in module["functions"]
        if function["covered"]
    }
    assert {("usbhid", "usbhid_probe"), ("usbcore", "hub_event"), ("hid", "hid_parser_main")} <= reached
    assert "uvcvideo" not in {module for module, _ in reached}
    assert document["cases"] == ["mouse"]
    assert document["modules_of_guests"] > 900
