"""An archive with a kernel and its source, whose Makefile builds in a moment what looks like a kernel."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from harness.guest.image import policy
from tests.kernels.signed_archive import FakeArchive, bzimage, module, module_files

__all__ = ["RELEASE", "VERSION", "publish"]

RELEASE, VERSION = "6.1.0-1-amd64", "6.1.10-1"

#: Understands what ``harness.guest.builds.making.Tree`` asks for. ``CACHE/builds/compiled`` lists what it compiled;
#: a file ``slow-NAME`` in the source makes it take long over NAME.
MAKEFILE = """\
.SILENT:
localmodconfig:
\tgrep -q usbhid $(LSMOD)
\tsed -i /CONFIG_FAT_FS=/d $(O)/.config
olddefconfig:
\tsed -i /CONFIG_FAILSLAB=/d $(O)/.config
bzImage: $(O)/main.o $(O)/last.o
\tmkdir -p $(O)/arch/x86/boot $(O)/include/config
\tcp bzImage $(O)/arch/x86/boot/bzImage
\techo 6.1.10+kasan > $(O)/include/config/kernel.release
$(O)/%.o: %.c
\techo "  CC      $*.o"
\tgrep -q error $< && { echo "$<:1:1: error: it does not compile"; exit 1; } || true
\tif [ -e slow-$* ]; then sleep 60; fi
\tcp $< $@
\techo $* >> $(O)/../../compiled
modules:
\tmkdir -p $(O)/drivers/hid/usbhid
\tcp usbhid.ko $(O)/drivers/hid/usbhid/usbhid.ko
\techo drivers/hid/usbhid/usbhid.o > $(O)/modules.order
\tcp modules.builtin $(O)/modules.builtin
"""


def publish(archive: FakeArchive, sources: Mapping[str, bytes] | None = None, more: tuple[str, ...] = ()) -> None:
    """Publish the kernel with its configuration and its source.

    ``sources`` replaces files of the source, ``more`` are modules of the stock kernel that the built one has not.
    """
    modules = f"lib/modules/{RELEASE}"
    builtin = "".join(f"kernel/{name}.ko\n" for name in policy.REQUIRED if name != "usbhid").encode()
    files = {
        f"boot/vmlinuz-{RELEASE}": bzimage(RELEASE),
        f"boot/config-{RELEASE}": b"CONFIG_USB_HID=m\nCONFIG_FAT_FS=m\nCONFIG_DEBUG_INFO=y\n",
        **module_files(modules),
        **{f"{modules}/{path}": module(name=path.rpartition("/")[2].removesuffix(".ko")) for path in more},
        f"{modules}/modules.builtin": builtin,
    }
    archive.package("bookworm", f"linux-image-{RELEASE}", VERSION, files, "kmod")
    archive.package("bookworm", "linux-image-amd64", VERSION, {}, f"linux-image-{RELEASE} (= {VERSION})")
    packed = _packed(
        {
            "Makefile": MAKEFILE.encode(),
            "main.c": b"int main;\n",
            "last.c": b"int last;\n",
            "bzImage": bzimage("6.1.10+kasan"),
            "usbhid.ko": module(name="usbhid", alias="usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*"),
            "modules.builtin": builtin,
            "drivers/hid/usbhid/Makefile": b"obj-$(CONFIG_USB_HID) += usbhid.o\n",
            **(sources or {}),
        }
    )
    archive.package("bookworm", "linux-source-6.1", VERSION, {"usr/src/linux-source-6.1.tar.xz": packed})
    archive.package("bookworm", "linux-source", VERSION, {}, f"linux-source-6.1 (= {VERSION})")
    archive.publish("bookworm")


def _packed(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:xz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(f"linux-source-6.1/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return raw.getvalue()
