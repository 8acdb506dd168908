"""Captures of USB traffic (pcap, pcapng, usbmon text): the devices in them, and what those answered."""
