"""Models for other runtimes: a model folder with an ONNX graph."""

from __future__ import annotations

from sentune.export.onnx import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
