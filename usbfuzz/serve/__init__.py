"""Simulated devices for machines that are not ours: one's own QEMU over usbredir, any Linux over USB/IP.

:mod:`~usbfuzz.serve.redir` serves a QEMU, :mod:`~usbfuzz.serve.usbip` a kernel with vhci_hcd; both serve until they are
cancelled, a fresh device for each that comes. :mod:`~usbfuzz.serve.words` says what to type on the other side.
"""

from usbfuzz.serve.redir import serve_connecting, serve_listening
from usbfuzz.serve.usbip import serve_usbip
from usbfuzz.serve.watcher import Watcher

__all__ = ["Watcher", "serve_connecting", "serve_listening", "serve_usbip"]
