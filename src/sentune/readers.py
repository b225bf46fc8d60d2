"""What the reference has in ``readers``, for scripts that import it from there."""

from __future__ import annotations

from sentune.data.example_readers import (
    LabelSentenceReader,
    NLIDataReader,
    PairedFilesReader,
    STSBenchmarkDataReader,
    STSDataReader,
    TripletReader,
)
from sentune.data.input_example import InputExample
from sentune.old_paths import install

__all__ = [
    "InputExample",
    "LabelSentenceReader",
    "NLIDataReader",
    "PairedFilesReader",
    "STSBenchmarkDataReader",
    "STSDataReader",
    "TripletReader",
]


install()
