"""umockdev's files: recordings of devices (``*.umockdev``), and what these answered a program (``*.ioctl``)."""
