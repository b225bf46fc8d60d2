"""Name → folder → the parts of a model, and back.

::

    name ─ resolve ─ folder on disk ┬─ folder: modules, tokenizer_files, config, prompts
                                    └─ weights ─ encoder

``ModelFolder.read`` and ``read_weights`` go from left to right, ``ModelFolder.write`` and
``write_weights`` from right to left. ``json_files`` reads JSON with errors that name the file.
"""
