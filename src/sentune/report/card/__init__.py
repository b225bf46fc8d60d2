"""The model card: ``README.md`` of a tuned model's folder, for people and for the hub.

::

    facts ─┬─ front_matter  what the hub reads: tags, base model, widget, figures
           └─ card ─┬─ overview      title, model details, architecture, citation
                    ├─ usage         code that runs unchanged
                    ├─ measured      figures, verdict, method
                    └─ training ─┬─ dataset     size, token statistics, samples
                                 └─ settings    hyperparameters of the run

``versions`` asks what is installed; ``text`` makes any text safe inside Markdown. A card states
what ran: it takes facts, and computes only token counts. It names no path of the machine.
"""

from __future__ import annotations

from sentune.report.card.card import model_card
from sentune.report.card.facts import CardFacts

__all__ = ["CardFacts", "model_card"]
