"""Serial adapters: a CDC ACM modem and an FTDI chip, both of which echo."""
