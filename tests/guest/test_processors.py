"""Which processor serves which device."""

from __future__ import annotations

from harness.guest.processors import dealt

OLD = """           CPU0       CPU1
  4:          2          0   IO-APIC   4-edge      ttyS0
 24:          0          0   PCI-MSI 16384-edge      virtio0-config
 25:          0        281   PCI-MSI 16385-edge      virtio0-virtqueues
 26:        189          0   PCI-MSI 32768-edge      xhci_hcd
 27:          0          0   PCI-MSI 32769-edge      xhci_hcd
 29:          0        189   PCI-MSI 49152-edge      xhci_hcd
NMI:          0          0   Non-maskable interrupts
"""
NEW = """           CPU0       CPU1
 24:          0          0 PCI-MSIX-0000:00:01.0   0-edge      virtio0-config
 25:          0        281 PCI-MSIX-0000:00:01.0   1-edge      virtio0-virtqueues
 26:        189          0 PCI-MSIX-0000:00:02.0   0-edge      xhci_hcd
 29:          0        189 PCI-MSIX-0000:00:03.0   0-edge      xhci_hcd
"""


def test_all_interrupts_of_a_device_go_to_one_processor_and_those_of_the_next_to_the_next() -> None:
    assert dealt(OLD, 2) == [(24, 0), (25, 0), (26, 1), (27, 1), (29, 0)]


def test_newer_kernels_name_the_device_itself() -> None:
    assert dealt(NEW, 2) == [(24, 0), (25, 0), (26, 1), (29, 0)]


def test_what_is_no_table_of_interrupts_deals_out_nothing() -> None:
    assert dealt("\0" * 5000 + "\n" * 5000, 4) == []
