"""What a driver wants to hear, found out by watching what it compares.

::

    draft ──two paints──▶ two runs ──comparisons of each──▶ changes ──a run each──▶ drafts that got further
    (draft.py)                        (operands.py; with more paints derived.py)

The runs are somebody else's: nothing here knows guests. What was learned is kept as text (:mod:`.learned`).
"""
