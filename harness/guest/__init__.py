"""What a guest is made of, from the name of a kernel to a machine that runs.

::

    "debian:6.1" ──kernels──▶ Kernel ──image──▶ Image (initramfs: agent/, tools/, busybox, modules)
                                 │                │
                                 └────▶ Machine ◀─┘   qemu.py: the whole command line, a pure function
                                           │
                                           ▼
                    snapshot.py: booted once, saved, restored in a fraction of a second
                                           │
                                           ▼
                    process.py: a running QEMU and its QMP  ──virtio-serial──  agent_client.py: the agent inside

:mod:`.emulators` has the QEMUs there are, :mod:`.accel` chooses how time passes (warped, emulated, KVM), :mod:`.rundir`
holds the files of a machine that runs, :mod:`.place` says which port a name of the guest's kernel is on,
:mod:`.autopsy` asks a guest that hangs what it does.
What runs cases in such a guest is :mod:`harness.lane`.
"""
