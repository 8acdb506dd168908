"""Device models alone and on a real kernel."""
