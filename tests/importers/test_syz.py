"""syzkaller programs and C reproducers: the devices they emulate, with the lengths the programs state."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import Case, DeviceSpec, ScriptedDevice, dumps
from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported
from usbfuzz.importers.syzkaller.program import import_syz, looks_syz
from usbfuzz.wire import STALL, Answer, Setup, Speed, data

from .damage import damaged, survives

#: A HID device whose report descriptor follows once it is configured, as a program and as a C reproducer.
HID = """# requires: -repeat

r0 = syz_usb_connect$hid(0x0, 0x36, &(0x7f0000000040)=ANY=[@ANYBLOB="12010002000000400912020034120000000109022400\
010100803209040000010300000009211101000122220009058103080005"], 0x0)
syz_usb_control_io$hid(r0, 0x0, 0x0)
syz_usb_control_io$hid(r0, &(0x7f0000000180)={0x24, 0x0, 0x0, &(0x7f0000000200)={0x0, 0x22, 0x22, {[\
@global=@item_012={0x2, 0x1, 0x0, "00ff"}, @global=@item_4={0x3, 0x1, 0x7, '\\b\\x00'}, \
@local=@item_012={0x0, 0x2, 0x2}, @local]}}, 0x0}, 0x0)
syz_usb_ep_write(r0, 0x0, 0x7, &(0x7f0000000300)='seven')
"""
HID_C = r"""
static volatile long syz_usb_connect(volatile long a0, volatile long a1, volatile long a2, volatile long a3);
void execute_one(void)
{
  intptr_t res = 0;
  memcpy((void*)0x20000040,
         "\x12\x01\x00\x02\x00\x00\x00\x40\x09\x12\x02\x00\x34\x12\x00\x00\x00"
         "\x01\x09\x02\x24\x00\x01\x01\x00\x80\x32\x09\x04\x00\x00\x01\x03\x00"
         "\x00\x00\x09\x21\x11\x01\x00\x01\x22\x22\x00\x09\x05\x81\x03\x08\x00\x05",
         52);
  res = -1;
  res = syz_usb_connect(/*speed=*/0, /*dev_len=*/0x36, /*dev=*/0x20000040,
                        /*conn_descs=*/0);
  if (res != -1)
    r[0] = res;
  syz_usb_control_io(/*fd=*/r[0], /*descs=*/0, /*resps=*/0);
  *(uint32_t*)0x20000180 = 0x24;
  *(uint64_t*)0x20000184 = 0;
  *(uint64_t*)0x2000018c = 0;
  *(uint64_t*)0x20000194 = 0x20000200;
  *(uint8_t*)0x20000200 = 0;
  *(uint8_t*)0x20000201 = 0x22;
  *(uint32_t*)0x20000202 = 0x22;
  STORE_BY_BITMASK(uint8_t, , 0x20000206, 2, 0, 2);
  STORE_BY_BITMASK(uint8_t, , 0x20000206, 1, 2, 2);
  STORE_BY_BITMASK(uint8_t, , 0x20000206, 0, 4, 4);
  *(uint16_t*)0x20000207 = htobe16(0xff);
  memcpy((void*)0x20000209, "\x77\x08\x00\x00\x00\x28", 6);
  *(uint64_t*)0x2000019c = 0;
  syz_usb_control_io(/*fd=*/r[0], /*descs=*/0x20000180, /*resps=*/0);
  memset((void*)0x20000300, 115, 7);
  syz_usb_ep_write(/*fd=*/r[0], /*ep=*/0, /*len=*/7, /*data=*/0x20000300);
}
"""
DEVICE = bytes.fromhex("120100020000004009120200341200000001")
CONFIGURATION = bytes.fromhex("090224000101008032090400000103000000092111010001222200090581030800050000")
REPORT = bytes.fromhex("0600ff 7708000000 28").ljust(0x22, b"\0")

STRUCTS = """r0 = syz_usb_connect_ath9k(0x3, 0x48, &(0x7f0000000080)={{0x12, 0x1, 0x200, 0xff, 0xff, 0xff, 0x40, \
0x1209, 0x3, 0x108, 0x0, 0x0, 0x0, 0x1, [{{0x9, 0x2, 0x36, 0x1, 0x1, 0x0, 0x80, 0xfa, {{0x9, 0x4, 0x0, 0x0, 0x4, 0xff, \
0x0, 0x0, 0x0, "", {{0x9, 0x5, 0x1, 0x2, 0x200, 0x0, 0x0, 0x0, ""}, {0x9, 0x5, 0x82, 0x2, 0x200, 0x0, 0x0, 0x0, ""}, \
{0x9, 0x5, 0x83, 0x3, 0x40, 0x1, 0x0, 0x0, ""}, {0x9, 0x5, 0x4, 0x3, 0x40, 0x1}}}}}}]}}, 0x0)
syz_usb_ep_write$ath9k_ep2(r0, 0x83, 0x10, &(0x7f0000000000)=@ready={0x0, 0x0, 0x8, 'abcd', {0x1}})
"""
ECM = """r0 = syz_usb_connect$cdc_ecm(0x0, 0x4d, &(0x7f0000000000)={{0x12, 0x1, 0x200, 0x2, 0x0, 0x0, 0x40, \
0x1209, 0x4, \
0x100, 0x0, 0x0, 0xffffffffffff8001, 0x1, [{{0x9, 0x2, 0x3b, 0x1, 0x1, 0x0, 0x80, 0x32, "", [{{0x9, 0x4, 0x0, 0x0, \
0x2, 0x2, 0x6, 0x0, 0x0, {{0x5, 0x24, 0x6, 0x0, 0x0, ""}, {0x5, 0x24, 0x0, 0x110}, {0xd, 0x24, 0xf, 0x1, 0x0, 0x5ea, \
0x0, 0x0}, []}, {[], {{0x9, 0x5, 0x82, 0x2, 0x200, 0x0, 0x0, 0x0, ""}}, {{0x9, 0x5, 0x3, 0x2, 0x200}}}}}]}}]}}, \
&(0x7f0000001400)={0x0, 0x0, 0x5, &(0x7f0000001500)={0x5, 0xf, 0x5}, 0x2, [{0x4, &(0x7f0)=@lang_id={0x4, 0x3, 0x407}}, \
{0x4, &(0x7f0)=@string={0x4, 0x3, "4100"}}]})
syz_usb_control_io$cdc_ecm(r0, 0x0, &(0x7f0000000080)={0x14, &(0x7f0000000040)={0x20, 0x1, 0x2, "abcd"}, \
&(0x7f0000000040)={0x40, 0x5, 0x4, 0x11223344}})
syz_usb_control_io$cdc_ecm(r0, &(0x7f0000000080)={0x14, 0x0, &(0x7f0000000040)={0x0, 0x3, 0x6, \
{0x6, 0x3, {0x42, 0x43}}}}, 0x0)
syz_usb_ep_write(r0, 0x82, 0x5, &(0x7f0000002340)='hello')
syz_usb_disconnect(r0)
"""


def only(text: str | bytes) -> Imported:
    content = text.encode() if isinstance(text, str) else text
    assert looks_syz(content)
    (imported,) = import_syz(content, "prog")
    return imported


def configured(spec: DeviceSpec) -> ScriptedDevice:
    device = ScriptedDevice(spec)
    device.on_set_configuration(1)
    return device


@pytest.mark.parametrize("text", [HID, HID_C, HID + HID_C], ids=["program", "C", "both"])
def test_a_hid_reproducer_gives_its_descriptors_and_its_report_descriptor(text: str) -> None:
    imported = only(text)
    assert imported.device.device == DEVICE
    assert imported.device.configurations == (CONFIGURATION,)
    assert imported.device.reports == ((0, REPORT),)
    assert imported.device.speed is Speed.HIGH
    assert [script.bEndpointAddress for script in imported.device.endpoints] == [0x81]
    assert imported.problems == ()


def test_hid_interfaces_get_the_report_descriptors_in_the_order_of_the_calls_and_others_get_none() -> None:
    interfaces = "".join(f"0904{n:02x}000003000000" if n != 1 else "09040100000e000000" for n in range(4))
    device = "120100020000004009120200341200000001" + f"0902{9 + 36:02x}00040100a032" + interfaces
    reply = 'syz_usb_control_io(r0, &(0x7f0)={0x2c, 0x0, &(0x7f0)=ANY=[@ANYBLOB="002201000000%02x"], 0x0}, 0x0)\n'
    calls = ["syz_usb_control_io(r0, 0x0, 0x0)\n", reply % 0xA1, reply % 0xB1, reply % 0xB2]
    text = f'r0 = syz_usb_connect(0x3, 0x3f, &(0x7f0)=ANY=[@ANYBLOB="{device}"], 0x0)\n' + "".join(calls)
    assert only(text).device.reports == ((0, b"\xa1"), (2, b"\xb2"), (3, b"\xb2"))


def test_structs_become_bytes_as_wide_as_their_fields() -> None:
    imported = only(STRUCTS)
    assert imported.problems == ()  # as long as the program says
    assert imported.device.device.hex() == "12010002ffffff4009120300080100000001"
    assert imported.device.configurations[0].hex() == (
        "0902360001010080fa" + "0904000004ff000000" + "090501020002000000" + "090582020002000000"
        "090583034000010000" + "090504034000010000"
    )
    assert configured(imported.device).on_in(0x83, 64) == data(b"\0\0\x08abcd\x01".ljust(16, b"\0"))


def test_class_descriptors_have_the_widths_of_their_class() -> None:
    assert only(ECM).device.configurations[0][18:41].hex() == "0524060000" + "0524001001" + "0d240f0100000000ea05000000"


def test_connect_descriptors_are_served() -> None:
    device = only(ECM).device
    assert dict(device.strings)[0] == bytes.fromhex("04030704")
    assert dict(device.strings)[1] == bytes.fromhex("04034100")
    assert device.bos.hex() == "050f050000"


def test_control_replies_answer_once_the_device_is_configured() -> None:
    spec = only(ECM).device
    device = configured(spec)
    asked = [
        Setup(0xC0, 5, 0, 0, 4),  # vendor request 5 has a reply of its own
        Setup(0xA1, 0x77, 0, 0, 4),  # the generic one fits any other
        Setup(0x80, 6, 0x0301, 0x409, 255),  # the string has changed
        Setup(0x21, 0x43, 0, 0, 0),
    ]
    assert ScriptedDevice(spec).on_control(asked[0], b"") == STALL
    answers = [device.on_control(setup, b"") for setup in asked]
    assert answers == [data(b"\x44\x33\x22\x11"), data(b"\xab\xcd"), data(bytes.fromhex("060342004300")), Answer()]
    assert device.on_in(0x82, 64) == data(b"hello")


def test_options_that_are_generic_have_their_data_only() -> None:
    text = """syz_usb_connect(0x2, 0x40, &(0x7f0)={{0x12, 0x1, 0x0, 0x42, 0x21, 0x7a, 0x40, 0x413, 0x6023,
0xc128, 0x0, 0x0, 0x0, 0x1, [{{0x9, 0x2, 0x2e, 0x1, 0x0, 0x0, 0x0, 0x0, [{{0x9, 0x4, 0x44, 0x0,
0xf, 0x2b, 0xb6, 0x34, 0x0, [], [{{0x9, 0x5, 0x65268aa22f44d640, 0x8, 0x10, 0x7f, 0x80, 0xdb,
[@generic={0x2, 0x5}, @uac_iso={0x7, 0x25, 0x1, 0x80, 0x7, 0x102}, @generic={0xa, 0x22,
"0102030405060708"}]}}]}}]}}]}}, 0x0)"""
    imported = only(text)
    assert imported.device.speed is Speed.FULL
    assert imported.problems == ()
    tail = "09054008100" + "07f80db" + "0205" + "07250180070201" + "0a220102030405060708"
    assert imported.device.configurations[0].hex() == "09022e000100000000" + "090444000f2bb63400" + tail


def test_class_descriptors_have_their_widths_under_any_interface() -> None:
    text = """syz_usb_connect(0x1, 0x35, &(0x7f0)={{0x12, 0x1, 0x110, 0x0, 0x0, 0x0, 0x8, 0x1209, 0x6, 0x1, 0x0, 0x0,
0x0, 0x1, [{{0x9, 0x2, 0x23, 0x1, 0x1, 0x0, 0x80, 0x1, [{{0x9, 0x4, 0x0, 0x0, 0x0, 0xff, 0x0, 0x0,
0x0, [@hid_hid={0x9, 0x21, 0x111, 0x2, 0x1, {0x22, 0x1ff}}, @cdc={{0x8, 0x24, 0x1a, 0x100, 0x7,
"0102"}}]}}]}}]}}, 0x0)"""
    imported = only(text)
    assert imported.device.speed is Speed.LOW
    assert imported.device.configurations[0][18:].hex() == "092111010201" + "22ff01" + "08241a0001" + "070102"
    assert imported.problems == ()


def test_a_program_in_a_mail_is_read_through_its_quoting() -> None:
    mail = "\n".join("> " + line for line in STRUCTS.replace(", ", ",\n", 20).splitlines())
    assert only(mail).device == only(STRUCTS).device
    assert only(quopri.encodestring(STRUCTS.encode())).device == only(STRUCTS).device


def test_fields_only_syzkaller_knows_are_told_and_zero() -> None:
    text = "syz_usb_connect$cdc_ncm(0x1, 0x40, &(0x7f0)={{0x12, 0x1, 0x0, 0x2, 0x0, 0x0, 0x8, 0x525, 0xa4a1}}, 0x0)"
    imported = only(text)
    assert imported.device.device.hex() == "12010000020000082505a1a400000000" + "0000"
    assert len(imported.device.configurations[0]) == 0x40 - 18
    assert str(imported.problems[0]).startswith("line 1: the structs come to 18 bytes where the program has 64")


def test_each_connect_is_a_device_and_gets_its_own_calls() -> None:
    first, second = import_syz((STRUCTS + ECM.replace("r0", "r1")).encode(), "prog")
    assert (first.origin, second.origin) == ("line 1: syz_usb_connect_ath9k", "line 3: syz_usb_connect$cdc_ecm")
    assert [len(imported.device.endpoints) for imported in (first, second)] == [1, 1]


def test_answers_without_end_are_cut_and_told() -> None:
    call = 'syz_usb_control_io(r0, 0x0, &(0x7f0)={0x14, &(0x7f0)={0x20, 0x1, 0x1000, "ab"}})\n'
    imported = only(STRUCTS + call * 100)
    assert [str(problem) for problem in imported.problems] == [
        "line 18: more than 64 KiB of answers; the rest is left out"
    ]
    assert len(dumps(Case((imported.device,), ()))) < 4 << 20


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\nsyz_usb_connect(0x0, 0x36, &(0x7f", "prog:2: no syz_usb_connect call has a device in its arguments"),
        ("syz_usb_connect(0x0, 0x36, 0x0, 0x0)", "prog:1: no syz_usb_connect call has a device"),
        ("syz_usb_connect(" + "{" * 100000, "prog:1: no syz_usb_connect call"),
        ("syz_usb_connect(0x0, 0x36, &(0x7f0)=" + "&(0x7f0)=" * 9999, "prog:1: no syz_usb_connect call"),
    ],
)
def test_a_program_without_a_device_is_refused_by_name_line_and_reason(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        import_syz(text.encode(), "prog")
    assert str(caught.value).startswith(what)


_WORDS = st.sampled_from(
    [*"{}[](),@&=\"' ", "0x12", "0x1", "r0", "&(0x7f0)=", "@generic=", "@ANYBLOB=", "ANY=", "'\\x00'", '"12"/9', "nil"]
)


@given(st.lists(_WORDS, max_size=40).map("".join))
def test_arbitrary_programs_raise_nothing_but_input_errors(tail: str) -> None:
    survives(import_syz, ("r0 = syz_usb_connect(0x0, 0x24, &(0x7f0)=" + tail).encode())


@given(st.sampled_from([HID, HID_C, ECM]).flatmap(lambda text: damaged(text.encode(), st.integers(32, 126))))
def test_damaged_programs_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_syz, content)
