"""Rows → batches → vectors → loss → weights.

::

    data ─ batches/ ─ loader ─ model ─ losses/ ─ trainer ─ weights
                                                 ├ arguments: every setting; retired: of old cards
                                                 ├ checkpoints/, resuming: a run survives a kill
                                                 └ progress: the bar; watch: loss, collapse

- ``private_transformers`` lists what all this uses of the inside of transformers.
- ``mining/`` finds hard negatives before a training.
- ``fit`` and ``objectives`` are the older way to train in one call.
"""
