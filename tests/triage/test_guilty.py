"""The driver to blame is the innermost on the stack that binds devices; consequences are told from causes."""

from __future__ import annotations

import pytest

from usbfuzz.triage import Report, blamed, doubt_of, extract, leads_to, same_bug
from usbfuzz.triage.types import CrashType

_DRIVERS = frozenset({"hid_elo", "hid_sony", "usbhid", "hid_generic", "uvcvideo", "asix", "ax88179_178a"})
_LINKED = "Modules linked in: usbhid hid_elo uvcvideo usbcore\n"
_INPUT = (
    "BUG: kernel NULL pointer dereference, address: 0000000000000028\n"
    "Oops: 0000 [#1] SMP\n"
    "CPU: 0 PID: 11 Comm: kworker/0:1 Not tainted 5.10.0 #1\n"
    "RIP: 0010:input_event+0x11/0x70\n"
    "Call Trace:\n"
    " <IRQ>\n"
    " {frame}+0x51/0x90 [{module}]\n"
    " hid_input_report+0x101/0x150 [hid]\n"
    " hid_irq_in+0x200/0x250 [usbhid]\n"
    " </IRQ>\n"
    " uvc_probe+0x2/0x90 [uvcvideo]\n" + _LINKED + "---[ end trace 0123456789abcdef ]---\n"
)
_TASK = _INPUT.replace(" <IRQ>\n", "").replace(" </IRQ>\n", "")


def _one(log: str) -> Report:
    (report,) = blamed(extract(log), _DRIVERS)
    return report


def test_a_null_pointer_that_two_hid_drivers_hand_to_the_input_core_is_two_bugs() -> None:
    elo = _one(_INPUT.format(frame="elo_raw_event", module="hid_elo"))
    sony = _one(_INPUT.format(frame="sony_raw_event", module="hid_sony"))
    assert elo.title == sony.title
    assert (elo.guilty, sony.guilty) == ("hid_elo", "hid_sony")
    assert not same_bug(elo, sony)
    assert same_bug(elo, _one(_INPUT.format(frame="elo_raw_event", module="hid_elo")))


def test_a_report_whose_driver_nobody_knows_may_be_of_any() -> None:
    elo = _one(_INPUT.format(frame="elo_raw_event", module="hid_elo"))
    (unknown,) = extract(_INPUT.format(frame="elo_raw_event", module="hid_elo"))
    assert unknown.guilty == ""
    assert same_bug(elo, unknown)


def test_what_an_interrupt_came_into_is_not_to_blame() -> None:
    core = {"frame": "hidinput_report", "module": "hid"}
    assert _one(_INPUT.format(**core)).guilty == "usbhid"
    other = " hid_irq_in+0x200/0x250 [usbhid]\n"
    assert _one(_INPUT.replace(other, "").format(**core)).guilty == ""
    assert _one(_TASK.replace(other, "").format(**core)).guilty == "uvcvideo"


def test_a_function_of_usbhid_is_one_bug_whichever_driver_started_the_device() -> None:
    def of(driver: str) -> Report:
        return _one(
            _TASK.replace("input_event+0x11/0x70", "pidff_find_fields+0x11/0x70 [usbhid]").format(
                frame=f"{driver}_probe", module=driver
            )
        )

    assert of("hid_sony").guilty == "usbhid"
    assert same_bug(of("hid_sony"), of("hid_elo"))


def test_who_handled_the_object_before_is_blamed_only_when_the_stack_blames_nobody() -> None:
    report = (
        "BUG: usbfuzz: slab-use-after-free in {where}\n"
        "Read of size 4 at addr ffff88800a3b2e38\n"
        "Allocated by:\n"
        " uvc_parse_streaming+0x3d/0x900 [uvcvideo]\n"
        f"{'=' * 66}\n"
    )
    assert _one(report.format(where="asix_get_phy+0x7/0x9c [asix]")).guilty == "asix"
    assert _one(report.format(where="usb_get_status+0x7/0x9c [usbcore]")).guilty == "uvcvideo"


def test_the_log_of_a_warning_of_two_network_drivers_blames_each() -> None:
    def warning(module: str) -> Report:
        return _one(
            "------------[ cut here ]------------\n"
            "usb 1-1: BOGUS urb xfer, pipe 1 != type 3\n"
            "WARNING: CPU: 0 PID: 5 at drivers/usb/core/urb.c:494 usb_submit_urb+0x551/0x5e0 [usbcore]\n"
            + _LINKED
            + "RIP: 0010:usb_submit_urb+0x551/0x5e0 [usbcore]\n"
            "Call Trace:\n"
            " usbnet_open+0x12/0x90 [usbnet]\n"
            f" driver_open+0x3/0x90 [{module}]\n"
            "---[ end trace 0123456789abcdef ]---\n"
        )

    asix, other = warning("asix"), warning("ax88179_178a")
    assert asix.title == other.title
    assert not same_bug(asix, other)


@pytest.mark.parametrize(
    ("title", "kind", "doubt"),
    [
        ("BUG: corrupted list in usb_hcd_link_urb_to_ep", CrashType.MEMORY_SAFETY_BUG, "of its sort"),
        ("BUG: Bad page state", None, "of its sort"),
        ("silent death of the guest", CrashType.REBOOT, "of its sort"),
        ("BUG: Right redzone overwritten in kmalloc-256", CrashType.SLAB_CORRUPTION, "of its sort"),
        ("general protection fault in corrupted", CrashType.DENIAL, "no function"),
        ("general protection fault in kmem_cache_alloc", CrashType.DENIAL, "no driver"),
        ("WARNING in usb_submit_urb", CrashType.WARNING, ""),
        ("hang in usb_kill_urb", CrashType.HANG, "a busy machine"),
        ("INFO: task hung in usb_kill_urb", CrashType.HANG, ""),
    ],
)
def test_what_corrupted_memory_leads_to_is_told_by_its_sort(title: str, kind: CrashType | None, doubt: str) -> None:
    found = doubt_of(Report(title, type=kind, text=_LINKED))
    assert doubt in found
    assert bool(doubt) == bool(found)


def test_a_fault_in_a_driver_s_own_code_and_one_of_a_kernel_without_modules_are_not_doubted() -> None:
    assert not doubt_of(Report("general protection fault in x", type=CrashType.DENIAL, text=_LINKED, guilty="asix"))
    assert not doubt_of(Report("general protection fault in x", type=CrashType.DENIAL, text="Modules linked in:\n"))


def test_what_follows_broken_memory_is_a_consequence_and_what_follows_a_warning_is_not() -> None:
    fault = Report("general protection fault in x", type=CrashType.DENIAL)
    warning = Report("WARNING in x", type=CrashType.WARNING)
    task, hang = Report("INFO: task hung in x", type=CrashType.HANG), Report("hang in y", type=CrashType.HANG)
    assert leads_to(fault, warning)
    assert leads_to(fault, hang)
    assert leads_to(task, hang)
    assert not leads_to(warning, fault)
    assert not leads_to(task, fault)
    assert not leads_to(fault, fault)


def test_uses_of_one_freed_object_are_one_bug_if_the_guilty_driver_allocated_it() -> None:
    def use(function: str, allocated: str = "uvc_probe", freed: str = "usb_unbind_interface") -> Report:
        return _one(
            f"BUG: usbfuzz: slab-use-after-free in {function}+0x7/0x9c [uvcvideo]\n"
            "Read of size 4 at addr ffff88800a3b2e38\n"
            f"Allocated by:\n {allocated}+0x3d/0x900 [uvcvideo]\n"
            f"Freed by:\n {freed}+0x3d/0x900 [usbcore]\n"
            f"{'=' * 66}\n"
        )

    first, second = use("uvc_ctrl_get"), use("uvc_ctrl_set")
    assert first.title != second.title
    assert same_bug(first, second)
    assert not same_bug(first, use("uvc_ctrl_set", freed="uvc_delete"))
    assert not same_bug(first, use("uvc_ctrl_set", allocated="uvc_alloc_chain"))
