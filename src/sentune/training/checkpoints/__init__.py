"""A run on the disk: when it is saved, in which form, and whether it is the same run.

::

    schedule ─ state (plain values, tensors) ─ on_disk ─ folder ─ identity ─ resumed run
"""
