"""A saved crash: its record, the names of its files, the directory of a campaign's crashes and the lock on it."""
