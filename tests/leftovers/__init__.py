"""Tests of usbfuzz/leftovers."""
