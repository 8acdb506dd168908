"""Work in other processes: how it is started, spoken to, waited for, started again and ended.

::

    the command                                          the worker's process
    pool.py        one job at a time for each worker
    supervisor.py  one worker that is kept alive
      │  policy.py   seconds of silence, failures allowed
      ▼
    worker.py      one process after another        entry.py      the worker's main: ends in time, says how
      ▼                                               ▼
    child.py       a process and its pipes  ◀─────▶  upstream.py   orders in, replies out
                      lines.py     attrs classes as JSON, one object a line
                      messages.py  start, orders, replies; what every worker says

A kind of worker is a module with a ``main`` that calls :func:`~harness.workers.entry.run_worker`, and a
:class:`~harness.workers.messages.WorkerMessages`. The command gives both to a
:class:`~harness.workers.worker.WorkerProgram`, which alone starts processes. ``procs.py`` is what
processes need besides: priorities, cores, an end together with their parent.
"""
