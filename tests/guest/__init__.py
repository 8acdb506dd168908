"""QEMU's arguments, architectures, ports and buses, run directories, boots, snapshots."""
