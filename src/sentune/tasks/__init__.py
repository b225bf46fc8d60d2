"""Uses of vectors.

- ``search`` ranks passages held in memory for a question, as the evaluation does.
- ``semantic_search``, ``paraphrases`` and ``communities`` compare all with all, in blocks whose
  machinery is in ``nearest``.
- ``clusters`` groups texts (``cluster_*``: input, methods, names).
- ``classifier`` labels them, with a head fitted in ``classifier_training`` (``cross_validation``,
  ``calibration``), kept by ``classifier_folder``; ``few_shot`` tunes the encoder first, and
  ``zero_shot`` needs no examples.
"""

from sentune.search import PassageSearch

__all__ = ["PassageSearch"]
