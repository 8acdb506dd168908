"""A module compiled here, in a directory that is a kernel, with its source and made-up blocks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from harness.guest.kernels import Kernel
from harness.guest.kernels.elf import ElfFile, Function
from harness.guest.kernels.objects import KernelObjects
from tests.kernels.signed_archive import bzimage
from usbfuzz.coverage import Block, Blocks
from usbfuzz.jobs.coverage.read import Coverage, read_coverage

__all__ = ["HEADER", "NAME", "RELEASE", "SOURCE", "Built", "build"]

RELEASE = "6.1.0-1-amd64"
NAME = "usb_dummy"
HEADER = "static inline __attribute__((always_inline)) int twice(int urb)\n{\n\treturn urb * 2; /* <b>&amp; */\n}\n"
#: Lines 3 to 8 are probe_it(), 9 to 12 idle(), 13 to 17 fail(), whose section is another one.
SOURCE = """\
#include "../../include/linux/twice.h"
extern int submit(int urb, const char *name);
int probe_it(int urb)
{
	if (urb > 3)
		return submit(twice(urb), "</pre><script>alert(1)</script>") + 1;
	return 0;
}
__attribute__((noinline)) int idle(int urb)
{
	return urb + 4;
}
__attribute__((section(".text.unlikely"), noinline)) int fail(int urb)
{
	submit(urb, "é");
	return 7;
}
__attribute__((section(".init.text"))) int init_it(void)
{
	return probe_it(9);
}
"""


@frozen
class Built:
    """The kernel, which can be named ``dir:ROOT``."""

    root: Path

    @property
    def modules(self) -> Path:
        """Its directory of modules."""
        return self.root / "lib" / "modules" / RELEASE

    @property
    def kernel(self) -> Kernel:
        """As resolving it gives it."""
        return Kernel(f"dir:{self.root}", RELEASE, self.root / "bzImage", self.modules, "")

    def objects(self) -> KernelObjects:
        """Where its parts are."""
        modules = {NAME: self.modules / "kernel" / "usb-dummy.ko"}
        return KernelObjects(modules, modules, self.root / "src")

    def function(self, name: str) -> Function:
        """Where one of its functions is."""
        elf = ElfFile.of(self.objects().modules[NAME].read_bytes(), NAME)
        return next(function for function in elf.functions() if function.name == name)

    def whole(self, name: str, hits: int = 1, case: str = "") -> Block:
        """All of a function, executed as one block."""
        function = self.function(name)
        return Block(NAME, function.section, function.offset, function.size, hits, case)

    def coverage(self, *blocks: Block) -> Coverage:
        """What these blocks say."""
        return read_coverage(self.blocks(blocks), self.kernel, self.objects())

    def blocks(self, blocks: Iterable[Block]) -> Blocks:
        """Blocks of this kernel."""
        return Blocks.of(self.kernel.name, RELEASE, blocks)


def build(root: Path) -> Built:
    """Compile it."""
    built = Built(root)
    driver, header = root / "src/drivers/usb/dummy.c", root / "src/include/linux/twice.h"
    module = built.modules / "kernel" / "usb-dummy.ko"
    for path, text in ((driver, SOURCE), (header, HEADER)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    module.parent.mkdir(parents=True)
    (root / "bzImage").write_bytes(bzimage(RELEASE))
    for index in ("order", "builtin", "builtin.modinfo"):
        (built.modules / f"modules.{index}").touch()
    flags = ["-g", "-O1", "-fno-pic", "-fcf-protection=none", "-fno-optimize-sibling-calls"]
    subprocess.run(["gcc", *flags, "-c", "drivers/usb/dummy.c", "-o", module], cwd=root / "src", check=True)
    return built
