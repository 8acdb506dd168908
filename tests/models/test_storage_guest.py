"""Simulated disks on a real kernel: what the guest writes is in the image, what is in the image the guest reads."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.workbench import Workbench
from usbfuzz.models.storage.bulk_only import BulkOnlyDisk
from usbfuzz.models.storage.medium import ImageFile, Memory
from usbfuzz.models.storage.scsi import BLOCK
from usbfuzz.models.storage.uas import HighSpeedUasDisk, UasDisk
from usbfuzz.wire import Answer

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("nothing_goes_wrong")]

DISKS = pytest.mark.parametrize(
    ("model", "driver"), [(BulkOnlyDisk, "usb-storage"), (HighSpeedUasDisk, "uas"), (UasDisk, "uas")]
)
MIB = 1 << 20


def _e2fs(*command: str | Path) -> bytes:
    """Run a tool of e2fsprogs here."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return subprocess.run(command, env={"PATH": path}, capture_output=True, check=True).stdout


def _plug(workbench: Workbench, disk: BulkOnlyDisk) -> str:
    """Plug the disk in; the name of its block device."""
    workbench.plug(0, disk)
    return "/dev/" + workbench.sh("until ls /sys/block | grep sd; do sleep 0.05; done").split()[0]


@DISKS
def test_a_file_system_made_here_is_read_and_written_there(
    workbench: Workbench, tmp_path: Path, model: type[BulkOnlyDisk], driver: str
) -> None:
    image, ours = tmp_path / "disk.img", tmp_path / "ours"
    ours.mkdir()
    letter = os.urandom(300_000)
    (ours / "letter").write_bytes(letter)
    _e2fs("mke2fs", "-q", "-t", "ext2", "-d", ours, image, "8M")

    node = _plug(workbench, model(image))
    assert driver in workbench.drivers().values()
    workbench.sh(f"mkdir -p /mnt; mount -t ext4 {node} /mnt")
    assert workbench.run(("busybox", "cat", "/mnt/letter")).output == letter
    workbench.sh("tr '[:lower:]' '[:upper:]' < /mnt/letter > /mnt/reply; umount /mnt")

    assert _e2fs("debugfs", "-R", "cat /reply", image) == letter.upper()


@DISKS
def test_a_file_system_made_there_is_on_the_medium(
    workbench: Workbench, model: type[BulkOnlyDisk], driver: str
) -> None:
    disk = model()
    node = _plug(workbench, disk)
    workbench.sh(f"mkdosfs -n USBFUZZ {node}; mkdir -p /mnt; mount -t vfat {node} /mnt")
    text = os.urandom(1 << 10)
    assert workbench.run(("sh", "-c", "cat > /mnt/letter.bin; umount /mnt"), stdin=text).status == 0
    assert isinstance(disk.disk.medium, Memory)
    content = bytes(disk.disk.medium.content)
    assert content[510:512] == b"\x55\xaa"
    assert b"LETTER  BIN" in content
    assert text in content


def test_uas_at_superspeed_gives_each_command_a_stream(workbench: Workbench) -> None:
    streams: dict[int, set[int]] = {}

    class Watched(UasDisk):
        def on_stream_in(self, bEndpointAddress: int, stream_id: int, length: int) -> Answer:
            streams.setdefault(bEndpointAddress, set()).add(stream_id)
            return super().on_stream_in(bEndpointAddress, stream_id, length)

    node = _plug(workbench, Watched())
    workbench.sh(
        f"for n in 1 2 3 4; do dd if={node} of=/dev/null bs=64k skip=$((n * 16)) count=16 2>/dev/null & done; wait"
    )
    assert set(streams) == {0x85, 0x86}
    assert all(0 not in used and len(used) > 1 for used in streams.values())


@DISKS
def test_a_write_protected_image_stays_as_it_is(workbench: Workbench, model: type[BulkOnlyDisk], driver: str) -> None:
    medium = Memory(bytearray(b"as it was".ljust(BLOCK)) * 2048, writable=False)
    node = _plug(workbench, model(medium))
    assert "Write Protect is on" in workbench.kernel_log()
    assert workbench.run(("busybox", "dd", f"of={node}", "count=1"), stdin=bytes(BLOCK)).status
    assert workbench.run(("busybox", "head", "-c", "9", node)).output == b"as it was"


@DISKS
def test_a_medium_put_in_later_is_found(workbench: Workbench, model: type[BulkOnlyDisk], driver: str) -> None:
    device = model()
    device.disk.ejected = True
    node = _plug(workbench, device)
    size = f"cat /sys/block/{Path(node).name}/size"
    assert int(workbench.sh(size)) == 0
    workbench.call(device.disk.load)
    workbench.sh(f"head -c 512 {node} > /dev/null")
    assert int(workbench.sh(size)) == device.disk.blocks


@DISKS
def test_a_disk_goes_on_after_a_reset(workbench: Workbench, model: type[BulkOnlyDisk], driver: str) -> None:
    device = model()
    node = _plug(workbench, device)
    workbench.reset(0)
    assert re.search(r"usb \d-1: reset (SuperSpeed|high-speed) USB device", workbench.kernel_log())
    written = os.urandom(BLOCK)
    assert workbench.run(("busybox", "dd", f"of={node}", "seek=7", "conv=fsync"), stdin=written).status == 0
    assert device.disk.medium.read(7 * BLOCK, BLOCK) == written


def test_an_image_that_is_cut_while_it_is_used_reads_as_zeros(workbench: Workbench, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * MIB)
    node = _plug(workbench, BulkOnlyDisk(ImageFile(image)))
    os.truncate(image, BLOCK)
    workbench.sh("echo 3 > /proc/sys/vm/drop_caches")
    assert workbench.run(("busybox", "dd", f"if={node}", "skip=1024", "count=1", "status=none")).output == bytes(BLOCK)
