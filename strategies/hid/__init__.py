"""HID devices: interfaces, report descriptors from a grammar, and the reports that come then."""
