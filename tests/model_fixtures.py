"""Small BERT folders with random weights, and transformers' own model of them in float64."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sentune.errors import SentuneError

if TYPE_CHECKING:
    from torch import Tensor

    from sentune.encoding.sentence_transformer import SentenceTransformer

Change = Callable[[Any], Any]
MakeFolder = Callable[..., Path]
EditJson = Callable[[Path, Change], None]
EditWeights = Callable[[Path, Callable[[dict[str, "Tensor"]], dict[str, "Tensor"]]], None]
Oracle = Callable[[Path, Sequence[Sequence[int]]], list["Tensor"]]
OurTokens = Callable[["SentenceTransformer", Sequence[Sequence[int]]], list["Tensor"]]
Refusal = Callable[..., str]


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small folder, to be changed."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def edit_json() -> EditJson:
    """Replace a JSON file by what a function makes of its content."""

    def _edit(path: Path, change: Change) -> None:
        value = json.loads(path.read_text(encoding="utf-8"))
        changed = change(value)
        path.write_text(json.dumps(value if changed is None else changed), encoding="utf-8")

    return _edit


@pytest.fixture(scope="session")
def edit_weights() -> EditWeights:
    """Replace the weights of a folder by what a function makes of them."""

    def _edit(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
        from safetensors.torch import load_file, save_file

        # Copies: the file that is overwritten must not be mapped into the tensors.
        weights = {n: w.clone() for n, w in load_file(folder / "model.safetensors").items()}
        save_file(change(weights), folder / "model.safetensors", metadata={"format": "pt"})

    return _edit


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """Token vectors of transformers' BertModel in float64, on a padded batch with its mask."""

    def _run(folder: Path, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        import torch

        bert = _transformers_bert(folder)
        with torch.no_grad():
            return _padded(bert, texts)

    return _run


def _transformers_bert(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch
        from transformers import AutoModel

        bert = AutoModel.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float64, use_safetensors=True
        )
    return bert.eval()


def _padded(bert: Any, texts: Sequence[Sequence[int]]) -> list[Tensor]:
    import torch

    longest = max(len(ids) for ids in texts)
    ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
    states = bert(input_ids=ids, attention_mask=mask).last_hidden_state
    return [state[: len(text)] for state, text in zip(states, texts, strict=True)]


@pytest.fixture(scope="session")
def our_tokens() -> OurTokens:
    """Token vectors of our encoder cast to float64."""

    def _run(model: SentenceTransformer, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        import torch

        from sentune.network.pack import pack

        packed = pack(texts)
        with torch.no_grad():
            return packed.split(model.encoder.double()(packed))

    return _run


@pytest.fixture
def refusal() -> Refusal:
    """Load a folder that must be refused with one line; return the line."""

    def _refusal(folder: Path | str, kind: type[SentuneError], **options: Any) -> str:
        from sentune.encoding.sentence_transformer import SentenceTransformer

        with pytest.raises(SentuneError) as caught:
            SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)
        message = str(caught.value)
        assert type(caught.value) is kind, message
        assert "\n" not in message
        assert all([caught.value.given, caught.value.expected, caught.value.fix])
        return message

    return _refusal


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread, as servers with many workers do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
