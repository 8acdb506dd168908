"""Dumps, captures, recordings, scripts and programs to devices."""
