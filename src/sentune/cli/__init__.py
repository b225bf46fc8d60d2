"""The command ``sentune``: one module for each verb."""

from __future__ import annotations

from sentune.cli.app import main

__all__ = ["main"]
