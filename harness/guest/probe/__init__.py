"""The probe: a plugin of QEMU that sees what an unmodified kernel executes, and the host's side of it.

The C files are the plugin; ``layout.h`` is the memory that both sides share, ``memory.py`` the host's view of it.
"""
