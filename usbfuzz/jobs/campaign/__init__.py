"""The campaign of ``usbfuzz fuzz``: many guests run generated cases, and what crashes them is kept.

::

    start.py        a campaign from its options to its end
      ▼
    supervisor.py   one campaign: time, cases, Ctrl-C; told what happens in the lanes (CampaignEvents)
      │  ledger.py      which cases are still to be run, and which lane has which
      │  state.py       survives kill -9: how far the campaign came, totals, drivers seen (database.py is the file)
      │  history.py     and how it went: samples over time, drivers, sources; facts.py says what a run ran on
      │  (usbfuzz.crashes.store)   the crash directories
      │  progress.py, view.py    what the terminal shows
      │  confirmation.py         at the end: do new crashes happen in real time, too?
      ▼
    assignment.py   one lane: gives its worker blocks of cases, passes on what it says
      │  (harness.workers.supervisor keeps the worker alive; messages.py is what is said)
      ▼
    worker.py       a process with one guest; inbox.py holds what it was told
      │  case_queue.py  cases from its generator process (generator.py; sweep.py, sweeper.py), packed into rounds
      ▼
    rounds.py       run a round, report it (tally.py counts what drivers did); for each new crash:
         attribute.py   which case, or which rounds, show it again on a fresh guest (merge.py joins cases)
         shrink.py      make that case small
"""
