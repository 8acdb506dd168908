"""Packets as a hardware analyzer sees them on the bus, put together: packets, transactions, transfers."""
