"""Campaigns whose lanes are on other machines: ``usbfuzz fuzz --cluster`` and ``usbfuzz regress --cluster``.

::

    campaign (one machine)                              a lane, at a place of the cluster
    elsewhere.py   where its lanes run (Elsewhere)
      ▼
    program.py     a lane's process over there           lane.py      its main: prepares, then is a campaign's worker
      │  outgoing.py   corpus, what was learned  ──────▶    │  private.py   what came, and what its cases reached
      │  leases.py     what replies are held to             ▼
      ▼  arriving.py   what its cases reached    ◀────── (usbfuzz.jobs.campaign.worker)
    (harness.cluster)

``messages.py`` is what is said besides the messages of a campaign; ``guests.py`` says which guests a lane is to have
without naming a file of this machine. One process, the campaign's, writes crashes, corpus and coverage. A lane holds
nothing that is not also here, or on its way here: when it is gone, its cases run elsewhere.
"""
