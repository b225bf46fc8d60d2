"""A model as the components of other libraries, without a server.

A module for each library, which is imported only there:

- :mod:`sentune.adapters.langchain`: ``Embeddings``
- :mod:`sentune.adapters.llama_index`: ``BaseEmbedding``
- :mod:`sentune.adapters.haystack`: embedders of texts and of documents

All of them encode with ``encode_query`` and ``encode_document``, so the model's own prompts are
used, and show no progress. :mod:`sentune.adapters.vectors` is what they share.
"""
