"""Crash reports out of console logs."""
