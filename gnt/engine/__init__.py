"""Jobs: how a plan is recorded, performed, taken back, and found again after a crash.

Read in this order: ``ports`` (what the outside must give), ``record`` (a plan as data), ``edits``
(changing objects that others change too), ``job`` (the transactions of a job's life), ``steps``
(performing them), ``driver`` (one job from begin to end), ``holds`` (who waits for whom),
``recover`` (resume, undo, cancel).
"""
