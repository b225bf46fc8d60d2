"""A batch's columns come back from the pack in the order of the rows."""

from __future__ import annotations

import numpy as np

from sentune import SentenceTransformer
from sentune.training.batches.collator import Collator
from sentune.training.batches.examples import Row


def test_columns_come_back_in_order(model: SentenceTransformer) -> None:
    rows = [
        Row(("how do I copy a file", "shutil.copy copies it", "os.remove deletes it")),
        Row(("wait", "threading.Event", "a lock is something else altogether, as are barriers")),
    ]
    batch = Collator(model.tokenizer)(rows)["batch"]
    columns = batch.columns(model(batch.pack()))
    assert len(columns) == 3
    for column, texts in zip(columns, zip(*(row.texts for row in rows), strict=True), strict=True):
        alone = model.encode(list(texts))
        assert np.abs(column.detach().numpy() - alone).max() < 1e-6
