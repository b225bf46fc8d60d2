"""The model card: ``README.md`` of a tuned model's folder, for people and for the hub.

::

    facts ─┬─ front_matter  what the hub reads: tags, base model, widget, figures
           └─ card ─┬─ overview      title, model details, architecture, citation
                    ├─ usage         code that runs as it stands
                    ├─ measured      figures, what they show, how they were made
                    └─ training ─┬─ dataset     size, token statistics, samples
                                 └─ settings    hyperparameters that ran

``versions`` asks what is installed; ``text`` makes whatever the data holds safe inside Markdown.
A card states what ran, so it takes facts and computes nothing but token counts; it names no path
of the machine that it was made on.
"""

from __future__ import annotations

from sentune.report.card.card import model_card
from sentune.report.card.facts import CardFacts

__all__ = ["CardFacts", "model_card"]
