"""QEMUs: told by what they show, fetched, chosen."""
