"""Kernels built here from a distribution's own source, with checks that stock kernels lack: ``usbfuzz kernel build``.

::

    stock kernel's config ──trimming──▶ ──features──▶ .config ──making──▶ image, modules ──▶ an entry among the kernels
    source package ──source──▶ a tree ────────────────────┘

What the words of ``--with`` mean is in :mod:`harness.guest.kernels.features`; which kernels were built, and where one
is built until it is done, in :mod:`harness.guest.kernels.built`.
"""

from .building import Built, build_kernel

__all__ = ["Built", "build_kernel"]
