"""Runs cases in real kernels: everything between a case and what is known of it afterwards.

::

    Case ──▶ lane ──plugs devices──▶ channel ──usbredir──▶ QEMU ──xHCI──▶ kernel under test   (guest)
               │                                                              │
               │◀──────────── uevents, barriers (agent), console ◀────────────┘
               ▼
            Outcome: verdict, reports, drivers that bound, what the devices were asked

* :mod:`harness.lane`: one guest, and round after round of cases in it. Jobs open a ``Lane`` and run cases.
* :mod:`harness.channel`: what all ways on which a simulated device reaches a host have in common.
  :mod:`harness.usbredir` (to our guests) and :mod:`harness.usbip` (to any Linux machine) are the two there are.
* :mod:`harness.guest`: what a guest is made of: kernel, image, QEMU, snapshot, the agent inside.
* :mod:`harness.workers`: work in other processes, one guest to a core.
* :mod:`harness.workbench`: a guest to work with by hand, for tests and for a prompt.

Nothing here depends on a job (a campaign, a minimization): cases come in, outcomes go out.
"""
