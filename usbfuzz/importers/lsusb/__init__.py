"""Text that `lsusb -v` printed, back to the bytes it was printed from."""
