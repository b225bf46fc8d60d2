"""The model card: ``README.md`` of a tuned model's folder, for people and for the hub.

::

    facts ─ card ─┬─ front_matter  what the hub reads: tags, base model, widget, figures
                  ├─ overview      title, model details, architecture, citation
                  ├─ result        what the model is worth, in counts
                  ├─ usage         code that runs unchanged
                  ├─ measured      figures, notes, method
                  └─ training      settings (hyperparameters of the run), log, versions

``dataset`` gives sizes, token statistics and samples to three of them, ``versions`` asks what is
installed, and ``text`` makes any text safe inside Markdown. A card states what ran: it takes
facts, and computes only token counts. It names no path of the machine.
"""

from __future__ import annotations

from sentune.report.card.card import model_card
from sentune.report.card.facts import CardFacts

__all__ = ["CardFacts", "model_card"]
