"""The report of a run: one HTML file, for people who decide whether to use a model.

::

    facts ─ page ─┬─ (head)      the verdict and what to do next, as evaluation/advice says it
                  ├─ figures     every system with intervals and tests, recall by depth
                  ├─ learning    loss, learning curve, forgetting
                  ├─ questions   won and lost, labels that may be missing, kinds
                  ├─ data        counts, what may be wrong, lengths
                  ├─ map         passages and questions, before and after
                  └─ (ran)       settings, hashes, versions, the command

``markup`` escapes every text, ``style`` has the style sheet and the policy that allows nothing
else, ``charts`` and ``tables`` draw, ``words`` marks what BM25 matched, ``kinds`` sorts questions.
"""

from __future__ import annotations

from sentune.report.page.facts import DataFacts, PageFacts, Ran, TrainingFacts
from sentune.report.page.page import PICTURES, pictures, report_page

__all__ = ["PICTURES", "DataFacts", "PageFacts", "Ran", "TrainingFacts", "pictures", "report_page"]
