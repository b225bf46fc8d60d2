"""Documents of any format → passages for a model.

::

    paths ─ found ─ process ═ child ─ formats ─ readers/ ─ parts ─ layout ─ cutting ─ passages
                       (limits)                   characters, furniture   sentences

- ``found`` lists the files, ``process`` and ``child`` are the two sides of the process that reads
  them within ``limits``, and ``formats`` says which reader reads what.
- ``readers/`` has a module for each format. It makes ``parts`` (pages, slides, sheets, chapters) of
  blocks (headings, paragraphs, items, rows). ``characters`` mends what layout did to words,
  ``furniture`` takes out running headers and page numbers.
- ``layout`` gives each block its headings and its place, ``cutting`` fills passages by the tokens
  of a model, and ``sentences`` says where a paragraph may be cut.
- ``reading`` is all of it in one call. ``model_limit`` says how long passages for a model may be;
  ``output`` writes them to a file, and says in words what became of the documents.
- ``known`` tells documents from other files.

The readers need the packages of the extra ``documents``. Nothing here imports torch.
"""

from __future__ import annotations

from sentune.documents.found import find
from sentune.documents.limits import Limits
from sentune.documents.reading import DocumentPassage, FileReport, read

__all__ = ["DocumentPassage", "FileReport", "Limits", "find", "read"]
