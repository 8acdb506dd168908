"""HID devices: keyboard, mouse, tablet, and a wheel with force feedback."""
