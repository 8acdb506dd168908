"""syzkaller programs and C reproducers: the devices they connect, and what those answer."""
