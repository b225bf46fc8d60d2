"""Where a run writes: looked at before the first step, and its own afterwards."""

from __future__ import annotations

import re
from pathlib import Path

from sentune.errors import OutputError
from sentune.files import claim_folder, is_claimed

__all__ = ["claim_output"]

# What a model folder holds. The folders are those of modules, such as 1_Pooling.
_OF_A_MODEL = re.compile(
    r"(README\.md|.*config.*\.json|modules\.json|.*\.safetensors|.*\.safetensors\.index\.json|"
    r"tokenizer\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(txt|json)|merges\.txt|"
    r"sentune\.json|\d+_\w+)"
)


def claim_output(path: str | Path) -> None:
    """Make sure that the model can be saved in a run's folder, then or after hours.

    What the run writes there, checkpoints among them, does not hinder that. Other files stay.

    Raises:
        OutputError: the folder holds a model or a part of one, or cannot be written.
    """
    folder = Path(path)
    if is_claimed(folder):
        return
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    found = next((name for name in names if _OF_A_MODEL.fullmatch(name)), None)
    if found is not None:
        raise OutputError(
            f"{folder} holds {found}, which saving the trained model would replace",
            expected="a folder without a model as output_dir",
            fix="name another output_dir, or move the model away",
        )
    claim_folder(folder)
