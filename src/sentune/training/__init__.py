"""Rows → batches → vectors → loss → weights.

::

    data ─ batches/ ─ loader ─ model ─ losses/ ─ trainer ─ weights
                                                 ├ arguments: every setting; retired: of old cards
                                                 ├ checkpoints/, resuming: a run survives a kill
                                                 ├ progress: the bar; watch: loss, collapse
                                                 └ measuring, evaluating: by held-out data

- ``given`` and ``choosing`` take what scripts pass: the model, the loss of each data set; a module
  of the user's becomes a loss in ``own_losses``. ``places`` looks at where a run will write.
- ``private_transformers`` lists what all this uses of the inside of transformers.
- ``mining/`` finds hard negatives before a training.
- ``fit``, ``objectives`` and ``score`` are the older way to train in one call, with the data sets
  of ``example_loaders`` and ``parallel_sentences``.
"""
