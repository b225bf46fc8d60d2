"""Uses of vectors.

- ``semantic_search``, ``paraphrases`` and ``communities`` compare all vectors with all, in blocks:
  ``vector_rows`` reads the vectors, ``nearest`` computes blocks of scores and keeps the best.
- ``clusters`` groups texts (``cluster_*``: input, methods, names).
- ``classifier`` labels texts. ``classifier_training`` fits it (``cross_validation``,
  ``calibration``), ``classifier_folder`` saves and loads it. ``few_shot`` tunes the model first,
  and ``zero_shot`` needs no labelled texts.
- ``scikit_learn`` imports scikit-learn where it is used.
"""

from sentune.search import PassageSearch

__all__ = ["PassageSearch"]
