"""Which modules an image contains, and which of them are loaded before the agent is ready.

Names are as in ``/proc/modules`` (underscores). A name that a kernel has built in, or does not have, is ignored
unless it is in :data:`REQUIRED`.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BASE",
    "COMPANION_ALIASES",
    "COMPANION_DIRECTORIES",
    "COMPANION_NAMES",
    "CORES",
    "DRIVER_ALIASES",
    "EXCLUDED",
    "HELPER_ALIASES_SKIPPED",
    "HOST",
    "REQUIRED",
]

#: What a guest cannot do without: a host controller, HID, and the agent's port; as modules or built in.
REQUIRED = ("virtio_pci", "virtio_console", "usbcore", "xhci_hcd", "xhci_pci", "usbhid")

#: Loaded with ``usbfuzz.modules=base``, in this order; dependencies come first by themselves.
BASE = ("virtio_pci", "virtio_console", "usbcore", "xhci_pci", "usbhid", "hid_generic", "evdev")

#: Loaded with ``usbfuzz.modules=all`` besides the drivers: the other controllers, and what gives drivers a user side.
HOST = (
    "ehci_pci", "ohci_pci", "uhci_hcd",
    "joydev", "mousedev", "ff_memless", "uhid", "rfkill",
    "sd_mod", "sr_mod", "sg",
    "snd_pcm", "snd_rawmidi", "snd_seq", "snd_seq_midi", "snd_pcm_oss", "snd_mixer_oss", "snd_hwdep",
    "can_raw", "af_packet", "bluetooth", "cfg80211", "mac80211",
)  # fmt: skip

#: Aliases by which a module says that it binds USB or HID devices.
DRIVER_ALIASES = ("usb:*", "hid:*")

#: Aliases of modules that bind what USB and HID drivers create: loaded with ``all``.
COMPANION_ALIASES = (
    "platform:HID-SENSOR-*", "platform:viperboard-*", "platform:dln2-*",
    "auxiliary:usb_ljca*", "auxiliary:*.ljca-*", "greybus:*", "serdev:*",
    "ieee1394:*", "w1-family-*", "rc-core", "hid-sensor-*",
)  # fmt: skip

#: Have such aliases themselves (the hub driver's), but what depends on them depends on a bus and not on a driver.
CORES = frozenset({"usbcore", "hid"})

#: Modules that drivers ask for by request_module() or symbol_request(). Loaded like the rest: the helper, a process of
#: its own, and a signature to verify would cost the guest 10 ms at the first device, after each restore.
COMPANION_DIRECTORIES = (
    "kernel/drivers/media/dvb-frontends", "kernel/drivers/media/tuners", "kernel/drivers/media/i2c",
    "kernel/drivers/media/rc/keymaps", "kernel/drivers/media/common",
)  # fmt: skip

#: The same, one by one.
COMPANION_NAMES = (
    "em28xx_alsa", "em28xx_dvb", "em28xx_rc", "em28xx_v4l", "cx231xx_alsa", "cx231xx_dvb", "au0828",
    "snd_seq_dummy", "snd_seq_oss", "snd_usbmidi_lib",
    "ppp_async", "ppp_generic", "slcan", "n_hdlc",
    "ir_imon_decoder", "ir_jvc_decoder", "ir_mce_kbd_decoder", "ir_nec_decoder", "ir_rc5_decoder", "ir_rc6_decoder",
    "ir_rcmm_decoder", "ir_sanyo_decoder", "ir_sharp_decoder", "ir_sony_decoder", "ir_xmp_decoder",
    "crc_itu_t", "crc_ccitt", "ccm", "gcm", "cmac", "ctr", "arc4", "sha256_generic", "ecb", "cbc", "hmac",
    "michael_mic", "i2c_dev", "industrialio_triggered_buffer", "kfifo_buf",
    "mmc_block", "mspro_block", "ms_block",
    "ext4", "ntfs3", "vfat", "crc32c_generic", "nls_ascii", "nls_cp437", "nls_iso8859_1", "nls_utf8",
)  # fmt: skip

#: Never in an image, with the reason.
EXCLUDED: Mapping[str, str] = {
    "usbtest": "a test driver: claims devices in order to run its own transfers against known test firmware",
    "ehset": "a test driver: puts the parent's port into an electrical test mode, in which it detects nothing",
    "usb_debug": "binds Intel debug dongles as a console-like serial port; only useful as earlyprintk target",
    "usbip_host": "takes devices away from their drivers to export them over a network",
    "vhci_hcd": "a virtual controller whose root hubs would be settled and reported as if they were ports",
    "dummy_hcd": "the same, for gadgets of the guest itself",
    "usbip_core": "serves only usbip_host and vhci_hcd",
    "g_zero": "a gadget driver: the guest is the host side",
    "u132_hcd": "a host controller behind a USB device: its root hub would be taken for a port",
    "w1_smem": "registers the same 1-Wire family as another module, so that only one of them loads",
    "hid_sensor_custom": "claims the sensors that the specific hid_sensor drivers would bind, depending on load order",
}

#: Aliases that only udev asks modprobe for, and a guest has no udev. They are left out because the module helper reads
#: the whole file each time.
HELPER_ALIASES_SKIPPED = (
    "usb:", "hid:", "pci:", "of:", "acpi", "dmi:", "cpu:", "sdio:", "pcmcia:", "virtio:", "pnp:", "ssb:", "bcma:",
    "scsi:t", "vmbus:", "mdio:", "spi:", "wmi:", "mei:", "input:", "hdaudio:", "sdw:", "isa:", "ulpi:", "typec:",
    "parport:", "rpmsg:",
)  # fmt: skip
