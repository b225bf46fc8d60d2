from __future__ import annotations

import subprocess
import sys

import sentune.data


def test_reading_costs_neither_torch_nor_numpy() -> None:
    code = "import sys, sentune.data; print(*({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_public_names_are_sorted_and_exist() -> None:
    names = sentune.data.__all__
    assert names == sorted(names)
    assert all(hasattr(sentune.data, name) for name in names)
