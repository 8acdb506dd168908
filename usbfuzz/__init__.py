"""Simulated USB devices for real Linux kernels: look, replay and fuzz over QEMU's usbredir channel."""

__all__ = ["__version__"]

__version__ = "0.1.0"
