"""Facts → ``README.md``."""

from __future__ import annotations

from sentune.report.card.facts import CardFacts
from sentune.report.card.front_matter import front_matter
from sentune.report.card.measured import evaluation_blocks
from sentune.report.card.overview import citation_blocks, details_blocks, overview_blocks
from sentune.report.card.result import result_blocks
from sentune.report.card.training import training_blocks
from sentune.report.card.usage import usage_blocks

__all__ = ["model_card"]


def model_card(facts: CardFacts) -> str:
    """The model card: YAML for the hub, then Markdown with the sections of the reference card.

    The text is valid UTF-8 whatever the data holds, ends with a line break, and names neither a
    path nor a token. The same facts give the same text.

    Cost: tokenizes at most the first 1,000 training rows.
    """
    blocks = [
        *overview_blocks(facts),
        *result_blocks(facts),
        *details_blocks(facts),
        *usage_blocks(facts),
        *evaluation_blocks(facts),
        *training_blocks(facts),
        *citation_blocks(facts.loss),
    ]
    return front_matter(facts) + "\n\n" + "\n\n".join(blocks) + "\n"
