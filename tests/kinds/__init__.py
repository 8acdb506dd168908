"""The declarations of kinds: found, consistent, true."""
