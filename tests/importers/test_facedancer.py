"""Facedancer scripts: the descriptors they declare, and nothing of them executed.

The bytes wanted here are those Facedancer 3.1.3 itself serves for these scripts.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import ScriptedDevice
from usbfuzz.descriptors import string_text
from usbfuzz.errors import InputError
from usbfuzz.importers.facedancer.script import import_facedancer, looks_facedancer
from usbfuzz.importers.model import Imported
from usbfuzz.wire import STALL, Answer, Setup, Speed, data

from .damage import damaged, survives

HEAD = "from facedancer import *\n"
PAD = (
    HEAD
    + '''
ROLLOVER = 3

@use_inner_classes_automatically
class Pad(USBDevice):
    vendor_id           : int = 0x1209
    product_id          = 0x0007
    manufacturer_string : str = "Maker"
    product_string      : StringRef = StringRef.field(string="Pad")
    serial_number_string = None
    device_speed        : DeviceSpeed = DeviceSpeed.HIGH

    class Only(USBConfiguration):
        configuration_string = "Pad"
        self_powered = False

        class Hid(USBInterface):
            number       = 2
            class_number : int = USBDeviceClass.HID

            class Keys(USBEndpoint):
                number        : int = 3
                direction     : USBDirection = USBDirection.IN
                transfer_type : USBTransferType = USBTransferType.INTERRUPT
                interval      : int = 10

                def handle_data_requested(self):
                    """Always the same."""
                    self.send(b"\\x01" * 2)

            @include_in_config
            class HidDescriptor(USBDescriptor):
                raw = bytes([9, 0x21, 0x11, 1, 0, 1, 0x22, 20, 0])

            class Report(HIDReportDescriptor):
                number = 0
                fields = (
                    USAGE_PAGE(HIDUsagePage.GENERIC_DESKTOP),
                    USAGE(HIDGenericDesktopUsage.GAMEPAD),
                    COLLECTION(HIDCollection.APPLICATION),
                    USAGE_MINIMUM(KeyboardKeys.LEFTCTRL),
                    LOGICAL_MAXIMUM(0xFF, 0),
                    REPORT_COUNT(ROLLOVER + 1),
                    INPUT(variable=True, preferred_state=False),
                    OUTPUT(constant=True),
                    END_COLLECTION(),
                )

    @vendor_request_handler(number=1, direction=USBDirection.IN)
    @to_device
    def greet(self, request):
        log.info("asked")
        request.reply(b"hello")

    @vendor_request_handler(number=2)
    @to_device
    def take(self, request):
        request.ack()

    @class_request_handler(number=3)
    @to_device
    def refuse(self, request):
        request.stall()

    @vendor_request_handler(number=4, direction=USBDirection.IN)
    def compute(self, request):
        request.reply(bytes(len(self.strings)))


main(Pad)
'''
)


def only(script: str) -> Imported:
    (imported,) = import_facedancer(script.encode(), "pad.py")
    return imported


def test_a_declared_device_has_the_bytes_facedancer_serves() -> None:
    device = only(PAD).device
    assert looks_facedancer(PAD.encode())
    assert device.device.hex() == "120100020000004009120700000001020001"
    assert [raw.hex() for raw in device.configurations] == [
        "090222000101" + "02a0fa" + "0904020001030000" + "00" + "092111010001221400" + "0705830340000a"
    ]
    assert {index: string_text(raw) for index, raw in device.strings} == {1: "Maker", 2: "Pad"}
    assert device.reports == ((2, bytes.fromhex("0501 0905 a101 19e0 26ff00 9504 8122 9101 c0")),)
    assert device.speed is Speed.HIGH


def test_constant_answers_of_handlers_become_scripts() -> None:
    device = ScriptedDevice(only(PAD).device)
    asked = [Setup(0xC0, 1, 5, 6, 64), Setup(0x40, 2, 5, 6, 0), Setup(0xA0, 3, 0, 0, 4), Setup(0xC0, 4, 0, 0, 4)]
    assert [device.on_control(setup, b"") for setup in asked] == [data(b"hello"), Answer(), STALL, STALL]
    assert device.on_in(0x83, 64) == data(b"\x01\x01")


def test_a_handler_that_computes_is_told_with_its_line() -> None:
    line = PAD.splitlines().index("    def compute(self, request):") + 1
    assert [str(problem) for problem in only(PAD).problems] == [
        f"line {line}: Pad.compute computes its answer; such requests are stalled"
    ]


def test_objects_made_in_the_constructor_are_found() -> None:
    device = only(
        HEAD
        + """
class Made(USBDevice):
    def __init__(self, name="Made by hand"):
        super().__init__(vendor_id=0x1234, product_string=name)
        configuration = USBConfiguration()
        self.add_configuration(configuration)
        interface = USBInterface(class_number=255)
        configuration.add_interface(interface)
        interface.add_endpoint(USBEndpoint(number=3, direction=USBDirection.OUT))
"""
    ).device
    assert device.device.hex() == "120100020000004034125346000001020301"
    assert device.configurations[0].hex() == "09021900010100e0fa" + "0904000001ff000000" + "07050302400000"
    assert string_text(dict(device.strings)[2]) == "Made by hand"


def test_a_class_may_derive_from_another_of_the_script() -> None:
    script = HEAD + "class Base(USBDevice):\n    vendor_id = 0x1111\nclass Mine(Base):\n    product_id = 0x2222\n"
    imported = only(script)
    assert imported.origin == "Mine"
    assert imported.device.device[8:12].hex() == "11112222"


def test_what_only_running_the_script_would_tell_is_told_and_the_default_used() -> None:
    imported = only(
        HEAD + "import os\nclass Mine(USBDevice):\n    vendor_id = os.getpid()\n    product_id = unknown + 1\n"
    )
    assert imported.device.device[8:12] == bytes.fromhex("0b615346")
    assert [str(problem) for problem in imported.problems] == [
        "line 4: Mine.vendor_id: os.getpid() has to be run; 24843 is used",
        "line 5: Mine.product_id: the script does not say what unknown is; 18003 is used",
        "line 3: Mine has no configuration; a host can do nothing with it",
    ]


def test_nothing_of_a_script_is_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    touch = f"open({str(trace)!r}, 'w')"
    only(
        f"{HEAD}{touch}\nclass Mine(USBDevice):\n    {touch}\n    vendor_id = {touch}\n"
        f"    product_id = [{touch} for _ in range(3)]\n    raw = (lambda: {touch})()\n"
        f"    def __init__(self, a={touch}):\n        {touch}\n        super().__init__(vendor_id={touch})\n"
    )
    assert not trace.exists()


@pytest.mark.parametrize(
    "expression",
    [
        "1 << 10**9",
        "1 << 99999999999",
        "b'x' * 10**12",
        "'x' * 99999 * 99999",
        "bytes(10**12)",
        "9" * 5000,
        "1 // 0",
        "[1] * 2**40",
    ],
)
def test_values_without_bounds_are_refused(expression: str) -> None:
    try:
        imported = only(f"{HEAD}class Mine(USBDevice):\n    vendor_id = {expression}\n")
    except InputError:
        return  # Python itself refuses a number of 5000 digits
    assert any("vendor_id" in str(problem) for problem in imported.problems)


def test_names_that_double_each_other_are_worked_out_once() -> None:
    chain = "".join(f"a{i} = a{i + 1} + a{i + 1}\n" for i in range(40))
    imported = only(f"{HEAD}{chain}a40 = 1\nclass Mine(USBDevice):\n    vendor_id = a0\n    device_class = a33\n")
    assert imported.device.device[8:10] == bytes(2)  # 2**40, cut to its field
    assert imported.device.device[4] == 1 << 7


def test_classes_that_hold_themselves_come_to_an_end() -> None:
    only(
        f"{HEAD}class Again(USBInterface):\n    def __init__(self):\n"
        + "        self.add_interface(Again())\n" * 8
        + "class Mine(USBDevice):\n    def __init__(self):\n        c = USBConfiguration()\n"
        + "        self.add_configuration(c)\n        c.add_interface(Again())\n        c.add_interface(c)\n"
    )


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (HEAD + "class Mine(USBDevice:\n", "pad.py:2: is no Python: "),
        (HEAD + "x = 1\\0\n", "pad.py:"),
        (HEAD + "main(USBMouseDevice())\n", "pad.py: defines no class of USBDevice; give the script that does"),
        (
            HEAD + "class Old(USBDevice):\n def __init__(self, phy):\n  USBDevice.__init__(self, phy, 0, 0, 0, 64)\n",
            "pad.py:4: is written for Facedancer 2; port it to the classes of version 3",
        ),
        (
            HEAD + "class Old(USBDevice):\n def __init__(self, app):\n  super().__init__(app, 0, 0, 0, 64)\n",
            "pad.py:4: is written for Facedancer 2; port it to the classes of version 3",
        ),
        (
            HEAD + "class Old(USBDevice):\n def __init__(self, app):\n  super(Old, self).__init__(app, 0)\n",
            "pad.py:4: is written for Facedancer 2",
        ),
        ("from USBDevice import *\nclass Old(USBDevice): pass\n", "pad.py:1: is written for Facedancer 2"),
        ("import facedancer.USBInterface\nclass Old(USBDevice): pass\n", "pad.py:1: is written for Facedancer 2"),
        (
            HEAD + "class Old(USBDevice):\n a = USBConfiguration(1, 'one', [])\n",
            "pad.py:3: is written for Facedancer 2",
        ),
        (
            "from umap2.core.usb_device import USBDevice\nclass Old(USBDevice): pass\n",
            "pad.py:1: is written for umap2; port it to the classes of Facedancer 3",
        ),
        (HEAD + "(" * 5000, "pad.py:"),
        ("-" * 100000 + "1", "pad.py:"),
    ],
)
def test_a_script_without_a_device_is_refused_by_name_line_and_reason(script: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        only(script)
    assert str(caught.value).startswith(what)


@given(st.text(max_size=200))
def test_arbitrary_text_raises_nothing_but_input_errors(tail: str) -> None:
    content = (HEAD + "class Mine(USBDevice):\n    vendor_id = " + tail).encode("utf-8", "surrogatepass")
    looks_facedancer(content)
    try:
        import_facedancer(content, "x")
    except InputError:
        return


@given(damaged(PAD.encode(), st.integers(32, 126)))
def test_damaged_scripts_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_facedancer, content)


_SMALL = """\
from facedancer import *

class Small(USBDevice):
    vendor_id: int = 0x1209
    product_id: int = 0x0042
"""


def test_a_script_in_a_page_of_markdown_is_read_and_keeps_its_line_numbers() -> None:
    page = f"# A device\n\nIt's small:\n\n```python\n{_SMALL}    device_class: int = unknown()\n```\n\nThat is all.\n"
    found = only(page)
    assert found.device.device[8:12].hex() == "09124200"
    assert [problem.line for problem in found.problems] == [11, 8]  # unknown(); no configuration


def test_a_class_in_a_function_or_under_a_condition_is_a_device() -> None:
    inner = textwrap.indent(_SMALL, "    ")
    for head in ("def build():\n", "if True:\n", "try:\n    pass\nexcept ImportError:\n"):
        assert only(head + inner).device == only(_SMALL).device


def test_a_report_descriptor_whose_number_is_its_type_is_the_reports() -> None:
    script = """\
from facedancer.future import *

class Keys(USBDevice):
    class Only(USBConfiguration):
        class Hid(USBInterface):
            class_number: int = 3
            class Head(USBClassDescriptor):
                number: int = USBDescriptorTypeNumber.HID
                raw: bytes = b"\\x09\\x21\\x10\\x01\\x00\\x01\\x22\\x0d\\x00"
            class Report(USBDescriptor):
                number: int = USBDescriptorTypeNumber.REPORT
                raw: bytes = bytes.fromhex("05010906a10175089501 8102c0")
"""
    found = only(script)
    assert found.device.reports == ((0, bytes.fromhex("05010906a101750895018102c0")),)
    assert found.device.control == ()
    assert not any("report descriptor" in what for what in found.synthesised)
