"""``python -m sentune``: the command line, where the command ``sentune`` is not on the path."""

from __future__ import annotations

from sentune.cli import main

if __name__ == "__main__":
    main()
