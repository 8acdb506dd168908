"""Kernel specs, apt, signatures, the cache."""
