"""HID devices of which only report descriptors and reports are known: recordings, dumps, bare descriptors."""
