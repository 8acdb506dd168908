"""Disks: bulk-only and UAS transport, the SCSI commands behind both, and what keeps the bytes."""
