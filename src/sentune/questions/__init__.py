"""Questions about passages that nobody asked: made of the documents, or by a language model.

::

    source ─┬─ structure (terms, prose) ──────────────────────┬─ made ─ rules ─ round_trip ─ spread
            └─ choosing ─ asking (client, journal) ─ answers ─┘
    pairs ─ splitting (near_duplicates) ─ parts

- ``source`` reads passages with their headings, ``made`` is a made pair and its rows in a file.
- ``structure`` makes questions of headings, terms, sentences; ``terms`` and ``prose`` find them.
- ``choosing`` says about which passages a model is asked, ``prompt`` what it is asked. ``asking``
  sends requests by ``client`` within caps and keeps answers in a ``journal``, which ``answers``
  reads.
- ``rules`` and ``round_trip`` flag pairs that may be wrong, ``spread`` chooses among the others.
- ``splitting`` parts pairs so that no part knows another one.
- ``made_questions`` and ``sentences`` are for tuning on texts without any question.

Asking needs the package of the extra ``questions``. Nothing here imports torch before it is needed,
but for ``made_questions`` and ``sentences``.
"""

from __future__ import annotations

from sentune.questions.asking import Asked, AskSettings, ask_about
from sentune.questions.journal import open_journal
from sentune.questions.made import MadePair, write_pairs
from sentune.questions.round_trip import flag_lost
from sentune.questions.rules import flag_by_rules
from sentune.questions.source import SourcePassage, read_source
from sentune.questions.splitting import PairSplit, read_pair_records, split_records
from sentune.questions.structure import pairs_from_structure

__all__ = [
    "AskSettings",
    "Asked",
    "MadePair",
    "PairSplit",
    "SourcePassage",
    "ask_about",
    "flag_by_rules",
    "flag_lost",
    "open_journal",
    "pairs_from_structure",
    "read_pair_records",
    "read_source",
    "split_records",
    "write_pairs",
]
