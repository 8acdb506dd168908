"""Devices as Python classes."""
