"""The initramfs."""
