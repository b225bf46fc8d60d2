"""Whether a test does all that it can, or a fixed sample of it.

``make test-long`` sets ``SENTUNE_LONG=1``. ``make test`` does not: there every test that takes long
does a sample, so that no test is left out.
"""

from __future__ import annotations

import os

LONG = os.environ.get("SENTUNE_LONG") == "1"

# For the fixture ``architecture``: those that compute something that no other does. ELECTRA and
# nomic_bert are made of the parts of ALBERT and gte.
ARCHITECTURES = (
    *("bert", "roberta", "xlm-roberta", "camembert", "mpnet", "distilbert"),
    *("modernbert", "albert", "gte", *(("electra", "nomic_bert") if LONG else ())),
)
