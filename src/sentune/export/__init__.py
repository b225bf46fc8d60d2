"""Models for other runtimes: a folder that holds the model as an ONNX graph as well."""

from __future__ import annotations

from sentune.export.onnx import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
