"""HID devices: interfaces, HID report descriptors from a grammar, and HID reports."""
