"""Bytes that Facedancer scripts make with functions of Python: worked out, or made up and told."""

from __future__ import annotations

import pytest

from .test_facedancer import HEAD, only

KEYS = (
    HEAD
    + """import struct

class Keys(HIDReportDescriptor):
    fields = (USAGE_PAGE(HIDUsagePage.CONSUMER), COLLECTION(HIDCollection.NAMED_ARRAY), END_COLLECTION())

@use_inner_classes_automatically
class Mine(USBDevice):
    class Only(USBConfiguration):
        class Hid(USBInterface):
            class_number = 3
            class HidDescriptor(USBDescriptor):
                include_in_config = True
                raw = LENGTH
            class Report(Keys):
                number = 0
"""
)
HID = bytes.fromhex("09 21 11 01 00 01 22 05 00")


@pytest.mark.parametrize(
    "raw",
    [
        "HID_HEAD + struct.pack('<H', len(Keys()()))",
        "struct.pack('<BBHBBBH', 9, 0x21, 0x0111, 0, 1, 0x22, len(Keys()(index=0)))",
        "HID_HEAD + struct.pack('<H', len(Keys().raw))",
        "HID_HEAD + len(bytes(Keys()())).to_bytes(2, byteorder='little')",
        "b''.join([HID_HEAD, bytes([len(Keys()()), 0])])",
        "bytes([*HID_HEAD[:7], sum((2, 3)), min(0, max(1, 2))])",
        "bytes((Keys.size + 4, 0x21)) + HID_HEAD[2:] + struct.pack('<H', ord('\\5'))",
    ],
)
def test_bytes_made_with_functions_of_python_are_worked_out(raw: str) -> None:
    head = "HID_HEAD = b'\\x09\\x21\\x11\\x01\\x00\\x01\\x22'\n"
    script = KEYS.replace("LENGTH", raw).replace("import struct\n", f"import struct\n{head}")
    script = script.replace("    fields =", "    size = 5\n    fields =")
    imported = only(script)
    assert imported.device.configurations[0][18:] == HID
    assert imported.device.reports == ((0, bytes.fromhex("05 0c a1 04 c0")),)
    assert imported.problems == ()


@pytest.mark.parametrize("raw", ["os.urandom(9)", "struct.pack('<H', Unknown()())", "struct.pack('<B', 4711)"])
def test_a_hid_descriptor_that_cannot_be_read_is_made_up_of_its_report_and_told(raw: str) -> None:
    imported = only(KEYS.replace("LENGTH", raw))
    assert imported.device.configurations[0][18:] == HID
    assert "the HID descriptor of interface 0, from its report descriptor" in imported.synthesised
    (problem,) = imported.problems
    assert str(problem).startswith(f"line {KEYS[: KEYS.index('class HidD')].count(chr(10)) + 1}: HidDescriptor: ")
    assert str(problem).endswith("; the HID descriptor is made up from its report descriptor")


@pytest.mark.parametrize(
    "raw",
    [
        "struct.pack('99999s', b'x')",
        "struct.pack('9' * 5000 + 's', b'x')",
        "(5).to_bytes(10**9, 'little')",
        "len(HidDescriptor()())",
        "b''.join([b'x' * 60000, b'x' * 60000])",
        "'x'.encode('rot13')",
        "[1][7]",
        "sum(['x'])",
        "min(())",
    ],
)
def test_calls_without_bounds_or_sense_are_told(raw: str) -> None:
    assert [*only(KEYS.replace("LENGTH", raw)).problems]


def test_names_of_a_constructor_are_followed_unless_they_change() -> None:
    script = (
        HEAD
        + """
class Mine(USBDevice):
    def __init__(self, vendor=0x1234):
        product = vendor + 1
        changed = 1
        changed = 2
        super().__init__(vendor_id=vendor, product_id=0x1235)
        configuration = USBConfiguration(max_power=changed)
        self.add_configuration(configuration)
        interface = USBInterface(class_number=3, subclass_number=product - 0x1235)
        configuration.add_interface(interface)
        report = bytes([5, 1, 9, 6, 0xC0])
        head = b"\\x09\\x21\\x11\\x01\\x00\\x01\\x22" + struct.pack("<H", len(report))
        interface.add_descriptor(USBDescriptor(raw=head, type_number=0x21, include_in_config=True))
        interface.add_descriptor(USBDescriptor(raw=report, type_number=0x22, number=0))
"""
    )
    imported = only(script)
    assert imported.device.configurations[0][18:] == HID
    assert imported.device.reports == ((0, bytes((5, 1, 9, 6, 0xC0))),)
    assert imported.device.device[8:12] == bytes.fromhex("34123512")
    (problem,) = imported.problems
    assert "USBConfiguration.max_power: the script does not say what changed is; 500 is used" in str(problem)
