"""Simulated devices for other machines: a QEMU of the user's own over usbredir, any Linux over USB/IP.

:mod:`.redir` serves a QEMU, :mod:`.usbip` a kernel with vhci_hcd; both serve until they are cancelled, a new device
for each that connects. :mod:`.instructions` says what to type on the other side.
"""

from .redir import serve_connecting, serve_listening
from .usbip import serve_usbip
from .watcher import ServeWatcher

__all__ = ["ServeWatcher", "serve_connecting", "serve_listening", "serve_usbip"]
