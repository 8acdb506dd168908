"""A program that stands for a QEMU: it says a version and exports what the plugin interface of one does."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["INLINE", "MEMORY", "REGISTERS", "program"]

INLINE = "qemu_plugin_register_vcpu_tb_exec_inline"
REGISTERS = ("qemu_plugin_get_registers", "qemu_plugin_read_register")
MEMORY = "qemu_plugin_read_memory_vaddr"

_SOURCE = """\
#include <stdio.h>
%s
int main(void) { puts("QEMU emulator version 10.0.2 (Debian)"); return 0; }
"""


def program(path: Path, *symbols: str) -> Path:
    """Compile one that exports functions of these names."""
    source = path.with_suffix(".c")
    source.write_text(_SOURCE % "".join(f"void {name}(void) {{}}\n" for name in symbols))
    subprocess.run(["cc", "-rdynamic", "-o", path, source], check=True)
    return path
