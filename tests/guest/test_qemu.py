"""QEMU's argument list and the kernel's command line, as golden text."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.command_line import kernel_command_line
from harness.guest.qemu import Machine, Memory, Timing, memory_for, qemu_argv

MACHINE = Machine(
    vmlinuz=Path("/k/vmlinuz"),
    initrd=Path("/k/initrd"),
    command_line="console=ttyS0",
    run_dir=Path("/run/m1"),
    timing=Timing.WARP,
    ports=2,
)

GOLDEN = """
qemu-system-x86_64 -nodefaults -no-user-config -nographic -no-reboot -name usbfuzz,debug-threads=on
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-machine q35,usb=off,vmport=off,hpet=off -m 512 -smp 1
-accel tcg,thread=single,tb-size=256 -cpu max,-erms,-fsrm,-la57,-xsave,-avx,-avx2,-pku -icount shift=4,sleep=off
-kernel /k/vmlinuz -initrd /k/initrd -append console=ttyS0
-chardev file,id=console,path=/run/m1/console.log -serial chardev:console
-qmp unix:/run/m1/qmp,server=on,wait=off
-device virtio-serial-pci,id=serial
-chardev socket,id=agent,path=/run/m1/agent,server=on,wait=off
-device virtserialport,chardev=agent,name=usbfuzz.agent
-device qemu-xhci,id=xhci0
-chardev socket,id=redir0,path=/run/m1/redir0,server=on,wait=off
-device usb-redir,id=redir0,chardev=redir0,bus=xhci0.0,port=1,suppress-remote-wake=off
-device qemu-xhci,id=xhci1
-chardev socket,id=redir1,path=/run/m1/redir1,server=on,wait=off
-device usb-redir,id=redir1,chardev=redir1,bus=xhci1.0,port=1,suppress-remote-wake=off
"""


def test_the_argument_list_of_a_warped_guest_is_the_golden_one() -> None:
    assert qemu_argv(MACHINE) == GOLDEN.split()


def test_a_restored_guest_differs_only_by_loading_its_snapshot_and_waiting_for_us() -> None:
    assert qemu_argv(evolve(MACHINE, load_snapshot=True)) == [*GOLDEN.split(), "-incoming", "defer", "-S"]


@pytest.mark.parametrize(("shared", "word"), [(True, "on"), (False, "off")])
def test_a_guests_memory_may_be_an_open_file(shared: bool, word: str) -> None:
    machine = evolve(MACHINE, memory=Memory(7, shared))
    words = " ".join(qemu_argv(machine))
    assert "-machine q35,usb=off,vmport=off,hpet=off,memory-backend=ram -m 512 " in words
    assert f" -object memory-backend-file,id=ram,size=512M,mem-path=/proc/self/fd/7,share={word} " in words
    assert machine.descriptors == (7,)


@pytest.mark.parametrize(
    ("timing", "accel"),
    [
        (
            Timing.TCG,
            [
                "-accel",
                "tcg,thread=single,tb-size=256",
                "-cpu",
                "max,-erms,-fsrm,-la57,-xsave,-avx,-avx2,-pku",
                "-kernel",
            ],
        ),
        (Timing.KVM, ["-accel", "kvm", "-cpu", "host", "-kernel"]),
    ],
)
def test_only_a_warped_guest_counts_instructions(timing: Timing, accel: list[str]) -> None:
    argv = qemu_argv(evolve(MACHINE, timing=timing))
    assert "-icount" not in argv
    start = argv.index("-accel")
    assert argv[start : start + len(accel)] == accel


def test_a_qemu_keeps_so_much_translated_code_and_without_a_number_what_it_thinks_fit() -> None:
    assert "tcg,thread=single,tb-size=16" in qemu_argv(evolve(MACHINE, code_mib=16))
    assert "tcg,thread=single" in qemu_argv(evolve(MACHINE, code_mib=0))


def test_no_guest_has_a_network_a_display_or_a_tcp_socket() -> None:
    words = " ".join(qemu_argv(MACHINE))
    assert "-nodefaults" in words
    assert "-nographic" in words
    assert not {"netdev", "-nic", "tcp:", "host=", "vnc"} & set(words.replace(",", " ").split())


def test_a_comma_in_a_path_cannot_add_an_option() -> None:
    argv = qemu_argv(evolve(MACHINE, run_dir=Path("/run/a,server=off")))
    assert "unix:/run/a,,server=off/qmp,server=on,wait=off" in argv


def test_the_warped_kernel_is_paced_by_its_tick_unless_the_server_answers_first() -> None:
    assert {"nohz=off", "highres=off"} <= set(kernel_command_line(Timing.WARP).split())
    assert "nohz=off" not in kernel_command_line(Timing.WARP, paced=False)
    assert "nohz=off" not in kernel_command_line(Timing.KVM)


def test_a_users_word_replaces_ours_of_the_same_name() -> None:
    words = kernel_command_line(Timing.WARP, ("watchdog_thresh=20", "slub_debug=FZ")).split()
    assert "watchdog_thresh=4" not in words
    assert words[-2:] == ["watchdog_thresh=20", "slub_debug=FZ"]


def test_an_oops_ends_the_guest_after_its_text_is_out() -> None:
    assert {"oops=panic", "panic=-1"} <= set(kernel_command_line(Timing.KVM).split())
    assert "-no-reboot" in qemu_argv(MACHINE)


@pytest.mark.parametrize(
    ("image_mib", "memory_mib"), [(0, 512), (115, 512), (144, 512), (145, 768), (246, 768), (600, 1536)]
)
def test_an_image_beyond_that_of_a_stock_kernel_gets_a_guest_in_which_it_fits_twice(
    image_mib: int, memory_mib: int
) -> None:
    assert memory_for(image_mib << 20) == memory_mib


def test_processors_of_a_warped_guest_take_turns_in_one_thread_and_in_real_time_each_has_its_own() -> None:
    warped = qemu_argv(evolve(MACHINE, processors=2))
    assert warped[warped.index("-smp") + 1] == "2"
    assert "tcg,thread=single,tb-size=256" in warped
    assert "filter-buffer,id=turns,netdev=turns,interval=1000,status=off" in warped
    real = qemu_argv(evolve(MACHINE, processors=2, timing=Timing.TCG))
    assert "tcg,thread=multi,tb-size=256" in real
    assert "-object" not in real


def test_an_instruction_takes_as_long_as_the_schedule_says() -> None:
    assert "shift=7,sleep=off" in qemu_argv(evolve(MACHINE, shift=7))


def test_further_processors_are_started_later_and_all_hear_an_nmi() -> None:
    assert {"maxcpus=1", "noreplace-smp", "apic_extnmi=all"} <= set(
        kernel_command_line(Timing.WARP, processors=2).split()
    )
    assert "maxcpus=1" not in kernel_command_line(Timing.WARP)
