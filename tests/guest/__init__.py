"""QEMU's arguments, run directories, boots, snapshots, the initramfs."""
