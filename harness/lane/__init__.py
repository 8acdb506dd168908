"""A lane: one core, one guest, and rounds of cases in it, one after another.

::

    cases ──places──▶ Round ──▶ Stage ──plug, unplug, reset──▶ channels of the guest
                        │         └──settle, exercise──▶ SharedAgent ──▶ agent
                        │  Watch (a warped guest: CPU time, console, ping) may end it
                        ▼
                     Ending ──diagnose──▶ Diagnosis: verdict, reports, console ──▶ Outcome ──▶ the job
                                             │
                                             └── may the guest run on? if not: LaneGuest.restore()

* :mod:`.lane`: ``Lane``, which jobs open and run; all of the above in one call, :meth:`Lane.run_round`.
* :mod:`.guest`: the guest's life: started from its snapshot, connected (by :mod:`.channels`), restored, ended; its
  console.
* :mod:`.round`, :mod:`.stage`, :mod:`.shared`, :mod:`.watch`: playing cases side by side.
* :mod:`.verdicts`: what that did to the guest, and whether it is as good as before.
* :mod:`.outcome`, :mod:`.trial`: what a job is told, and when it should believe it.
* :mod:`.config`, :mod:`.prepare`: a lane's settings, and how they are made of a kernel's name and a mode.
* :mod:`.held`: the lane that a worker process keeps from job to job.
"""
