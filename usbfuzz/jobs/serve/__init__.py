"""Simulated devices for machines that are not ours: one's own QEMU over usbredir, any Linux over USB/IP.

:mod:`.redir` serves a QEMU, :mod:`.usbip` a kernel with vhci_hcd; both serve until they are cancelled, a fresh device
for each that comes. :mod:`.words` says what to type on the other side.
"""

from .redir import serve_connecting, serve_listening
from .usbip import serve_usbip
from .watcher import Watcher

__all__ = ["Watcher", "serve_connecting", "serve_listening", "serve_usbip"]
