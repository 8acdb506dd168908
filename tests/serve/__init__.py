"""Devices for a QEMU or Linux that is not ours."""
