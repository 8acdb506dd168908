"""Captures of USB traffic (pcap, pcapng, usbmon text): the devices in them, and the answers these gave."""
