"""Name → folder → the parts of a model, and back.

::

    name ─ resolve ─ folder on disk ┬─ folder: modules, pooling, tokenizer_files, config, prompts
                                    ├─ weight_files ─ tensors ─ weights ─ encoder
                                    ├─ adapter ─ adapter_weights ───┘
                                    └─ vector_modules: what follows pooling

``ModelFolder.read``, ``build_encoder`` and ``build_modules`` go from left to right,
``ModelFolder.write``, ``write_weights`` and ``write_module_weights`` from right to left.
``sent_files``, ``uploading`` and ``pushing`` send a model's files to a hub, when a person asks.
``json_files`` reads JSON with errors that name the file.
"""
