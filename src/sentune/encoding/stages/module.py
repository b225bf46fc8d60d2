"""The class that scripts derive stages of their own from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors.torch import save
from torch import Tensor, nn

from sentune.errors import ModelError
from sentune.files import write_bytes, write_json
from sentune.model_folder.hub.pushing import require_safetensors
from sentune.model_folder.json_files import read_object
from sentune.model_folder.tensors import read_tensors
from sentune.model_folder.weight_files import WEIGHTS

__all__ = ["Module"]


class Module(nn.Module):
    """A stage with its settings in a JSON file, and its weights as safetensors.

    Derive from it, name the arguments of ``__init__`` in ``config_keys``, keep each as an
    attribute, and write ``forward``, ``save`` (``save_config`` and ``save_torch_weights``) and, if
    there are weights, ``load``.

    Attributes:
        config_file_name: the name of the JSON file.
        config_keys: the attributes that go into it, which ``__init__`` takes.
        config_key_renames: older names of them, with the new ones.
    """

    config_file_name: str = "config.json"
    config_keys: ClassVar[list[str]] = []
    config_key_renames: ClassVar[dict[str, str]] = {}

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The values of a batch → the same with changes; yours to write."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(features)")

    def save(self, output_path: str, *args: Any, **options: Any) -> None:
        """Write the stage into a folder; yours to write."""
        raise NotImplementedError(f"{type(self).__name__} has no save(output_path)")

    def get_config_dict(self) -> dict[str, Any]:
        """The settings by their names in ``config_keys``."""
        return {key: getattr(self, key) for key in self.config_keys}

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> Self:
        """The stage of ``subfolder``, made with its settings. Raises ModelError."""
        del options
        return cls(**cls.load_config(model_name_or_path, subfolder))

    @classmethod
    def load_config(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        config_filename: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """The settings; none if there is no file. Raises ModelError."""
        del options
        name = config_filename or cls.config_file_name
        config = read_object(Path(model_name_or_path, subfolder, name))
        for old, new in cls.config_key_renames.items():
            if old in config and new not in config:
                config[new] = config.pop(old)
        return config

    @staticmethod
    def load_file_path(
        model_name_or_path: str, filename: str, subfolder: str = "", **options: Any
    ) -> str | None:
        """A file of the stage's folder; None if it is not there."""
        del options
        path = Path(model_name_or_path, subfolder, filename)
        return str(path) if path.is_file() else None

    @staticmethod
    def load_dir_path(model_name_or_path: str, subfolder: str = "", **options: Any) -> str | None:
        """The stage's folder; None if it is not there."""
        del options
        path = Path(model_name_or_path, subfolder)
        return str(path) if path.is_dir() else None

    @classmethod
    def load_torch_weights(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        model: Self | None = None,
        **options: Any,
    ) -> Self | dict[str, Tensor]:
        """The weights, or ``model`` with them.

        Raises:
            ModelError: there are none as safetensors, or they are damaged, or of another shape.
        """
        del options
        path = Path(model_name_or_path, subfolder, WEIGHTS)
        if not path.is_file():
            raise ModelError(
                f"{path} is not there",
                expected="the weights of the stage as safetensors",
                fix="save the stage again with save_torch_weights(output_path)",
            )
        weights = read_tensors(path)
        if model is None:
            return weights
        try:
            model.load_state_dict({**_same_as(model, weights), **weights})
        except RuntimeError as error:
            raise ModelError(
                f"{path} does not fit {cls.__name__} ({' '.join(str(error).split())})",
                expected="the weights that the class has",
                fix="use the class that the folder was saved with",
            ) from error
        return model

    def on_model_ready(self, model: nn.Module) -> None:
        """Called with the model once all its stages are there; nothing unless you write it."""

    def save_config(self, output_path: str, filename: str | None = None) -> None:
        """Write the settings. Raises OutputError."""
        config = json.loads(json.dumps(self.get_config_dict()))
        write_json(Path(output_path, filename or self.config_file_name), config)

    def save_torch_weights(self, output_path: str, safe_serialization: bool = True) -> None:
        """Write the weights as safetensors, tied ones once, under their first name.

        Raises ArgumentError for False, OutputError.
        """
        require_safetensors(safe_serialization)
        first = _first_names(self)
        weights = {
            # Parts of one tensor are copied: safetensors has no views.
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.state_dict().items()
            if first[name] == name
        }
        write_bytes(Path(output_path, WEIGHTS), save(weights, metadata={"format": "pt"}))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_config_dict()})"


def _first_names(module: nn.Module) -> dict[str, str]:
    """Name of each weight → the first name of the same one, as tied weights have several."""
    known: dict[tuple[object, ...], str] = {}
    return {
        name: known.setdefault(
            (each.data_ptr(), each.shape, each.stride(), each.dtype, each.numel() == 0 and name),
            name,
        )
        for name, each in module.state_dict().items()
    }


def _same_as(module: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights by their other names, as the reference too writes tied ones under one of them."""
    first = _first_names(module)
    found = {first[name]: tensor for name, tensor in weights.items() if name in first}
    return {name: found[same] for name, same in first.items() if same in found}
