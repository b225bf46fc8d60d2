"""The command ``sentune``: one module for each verb."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; see :func:`sentune.cli.app.main` for the exit codes."""
    try:
        from sentune.cli.app import main as run
    except KeyboardInterrupt:  # while Python still reads modules
        sys.exit(130)
    run()
