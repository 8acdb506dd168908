"""Kernels of a few modules, compiled here: a driver of two files, what it is made of, and what belongs to it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.guest.image.policy import REQUIRED
from harness.guest.kernels import Kernel
from tests.kernels.signed_archive import bzimage

__all__ = ["SOURCES", "kernel_of"]

RELEASE = "6.1.0-1-amd64"

#: Source files by path. clock.c and mixer.c are snd-usb-audio's, the others a module each.
SOURCES: Mapping[str, str] = {
    "sound/usb/clock.c": "int submit(int urb);\nint find_clock(int urb) { return submit(urb) + 2; }\n"
    "int set_rate(int urb) { return submit(urb) * 3; }\n",
    "sound/usb/mixer.c": "int find_clock(int urb);\nint build_mixer(int urb) { return find_clock(urb) + 7; }\n"
    '__attribute__((section(".init.text"))) int start_up(void) { return 0; }\n',
    "sound/usb/midi.c": "int submit(int urb);\nint open_midi(int urb) { return submit(urb) + 11; }\n",
    "drivers/media/usb/em/em.c": 'int submit(int urb);\nconst char *name = "si2168";\n'
    "int em_probe(int urb) { return submit(urb) + name[0]; }\n",
    "drivers/media/usb/em/em-dvb.c": "int submit(int urb);\nint em_dvb(int urb) { return submit(urb) + 13; }\n",
    "drivers/media/dvb-frontends/si2168.c": "int tune(int urb) { return urb + 17; }\n",
    "fs/vfat/namei.c": "int lookup(int urb) { return urb + 19; }\n",
}
#: Module by its path, with its sources and what it needs.
_MODULES = {
    "sound/usb/snd-usb-audio": (("sound/usb/clock.c", "sound/usb/mixer.c"), ("sound/usb/snd-usbmidi-lib",)),
    "sound/usb/snd-usbmidi-lib": (("sound/usb/midi.c",), ()),
    "sound/usb/snd-ua101": (("sound/usb/midi.c",), ("sound/usb/snd-usbmidi-lib",)),
    "drivers/media/usb/em/em": (("drivers/media/usb/em/em.c",), ()),
    "drivers/media/usb/em/em-dvb": (("drivers/media/usb/em/em-dvb.c",), ("drivers/media/usb/em/em",)),
    "drivers/media/dvb-frontends/si2168": (("drivers/media/dvb-frontends/si2168.c",), ()),
    "fs/vfat/vfat": (("fs/vfat/namei.c",), ()),
}
_ALIASES = """\
alias usb:v*p*d*dc*dsc*dp*ic01isc01ip*in* snd_usb_audio
alias usb:v0582p007Dd*dc*dsc*dp*ic*isc*ip*in* snd_ua101
alias usb:vEB1Ap2800d*dc*dsc*dp*ic*isc*ip*in* em
"""


def kernel_of(root: Path, changed: Mapping[str, str] = {}, *, debug: bool = True) -> Kernel:
    """A kernel, which can be named ``dir:ROOT``; ``changed`` are other source files than SOURCES."""
    modules = root / "lib" / "modules" / RELEASE
    for path, text in {**SOURCES, **changed}.items():
        file = root / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for module, (sources, _) in _MODULES.items():
        output = modules / "kernel" / f"{module}.ko"
        output.parent.mkdir(parents=True, exist_ok=True)
        _compile(root / "src", sources, output, ["-g"] if debug else [])
    needs = (f"kernel/{module}.ko: {' '.join(f'kernel/{it}.ko' for it in of)}" for module, (_, of) in _MODULES.items())
    (modules / "modules.dep").write_text("\n".join([*needs, ""]))
    (modules / "modules.alias").write_text(_ALIASES)
    (modules / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in REQUIRED))
    for index in ("order", "builtin.modinfo"):
        (modules / f"modules.{index}").touch()
    (root / "bzImage").write_bytes(bzimage(RELEASE))
    return Kernel(f"dir:{root}", RELEASE, root / "bzImage", modules, "")


def _compile(top: Path, sources: tuple[str, ...], output: Path, flags: list[str]) -> None:
    objects: list[str] = []
    for source in sources:
        objects.append(str(output.with_suffix(f".{len(objects)}.o")))
        command = ["gcc", "-O1", "-fno-pic", "-fcf-protection=none", *flags, "-c", source, "-o", objects[-1]]
        subprocess.run(command, cwd=top, check=True)
    subprocess.run(["ld", "-r", *objects, "-o", output], cwd=top, check=True)
    for made in objects:
        Path(made).unlink()
