"""Devices in other forms: each is read again and gives the same device, and what a form cannot carry is said."""
