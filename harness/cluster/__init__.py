"""Worker processes on the machines of a dask.distributed cluster.

::

    the command                                            a `dask worker`, anywhere
    program.py    how a process is started: at the next
      │           place that is free
      ▼
    places.py     who is there, which places are free,     admission.py   what is said of usbfuzz there
      │           who is used no more
      ▼                                                      ▼
    scheduler.py  the scheduler: its workers, their code   host.py        the processes of one dask worker
      ▼                                                      ▼
    remote.py     a process as the command sees it  ◀────▶  (harness.workers.child)

A dask worker has one place for each of its threads. At a place runs a program such as would run on this machine; the
dask worker passes its lines on, unread, over a connection of dask's own, which ends together with the process. Nothing
of ours is pickled: one function is named to dask, which answers with words and a number; everything else is lines.

TLS, and who may reach the scheduler, are dask's business: its configuration counts. Whoever reaches a scheduler without
TLS may run any code on its workers. This package needs the extra ``cluster``, and is imported only when it is used.
"""
