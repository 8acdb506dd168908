"""What sysfs shows of devices: a directory, a copy or an archive of ``/sys/devices``, a recording of umockdev."""
