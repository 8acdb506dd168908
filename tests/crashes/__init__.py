"""A saved crash: record, store, suppression, what minimizing left."""
