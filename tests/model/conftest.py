"""Small BERT folders with random weights, and transformers' own model of them in float64."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
from torch import Tensor

from sentune.errors import SentuneError
from sentune.model.sentence_transformer import SentenceTransformer

Change = Callable[[Any], Any]
MakeFolder = Callable[..., Path]
EditJson = Callable[[Path, Change], None]
EditWeights = Callable[[Path, Callable[[dict[str, Tensor]], dict[str, Tensor]]], None]
Oracle = Callable[[Path, Sequence[Sequence[int]]], list[Tensor]]
OurTokens = Callable[[SentenceTransformer, Sequence[Sequence[int]]], list[Tensor]]
Refusal = Callable[..., str]

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


@pytest.fixture(scope="session")
def vocabulary(real_texts: list[str]) -> list[str]:
    """A WordPiece vocabulary: special tokens, the letters, and the commonest words."""
    words = Counter(w for text in real_texts for w in text.lower().split() if w.isascii())
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    common = [word for word, _ in words.most_common(400) if word.isalpha() and len(word) > 1]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return [*special, *letters, *(f"##{letter}" for letter in letters), *common]


@pytest.fixture(scope="session")
def make_folder(vocabulary: list[str], tmp_path_factory: pytest.TempPathFactory) -> MakeFolder:
    """Write a small model folder in the 3.1 layout; keywords change ``config.json``."""

    def _make(path: Path | None = None, **sizes: Any) -> Path:
        folder = path or tmp_path_factory.mktemp("tiny")
        folder.mkdir(exist_ok=True, parents=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from transformers import BertConfig, BertModel

            torch.manual_seed(0)
            # A wide initializer: with the usual one the layers change next to nothing.
            config = BertConfig(
                **{**SIZES, "vocab_size": len(vocabulary), "initializer_range": 0.3, **sizes}
            )
            weights = BertModel(config).state_dict()
        save_file(
            {name: tensor.contiguous() for name, tensor in weights.items()},
            folder / "model.safetensors",
            metadata={"format": "pt"},
        )
        _write(folder / "config.json", {**config.to_dict(), "architectures": ["BertModel"]})
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        BertWordPieceTokenizer(str(folder / "vocab.txt")).save(str(folder / "tokenizer.json"))
        _write(
            folder / "tokenizer_config.json",
            {"do_lower_case": True, "model_max_length": 64, "tokenizer_class": "BertTokenizer"},
        )
        _write(folder / "special_tokens_map.json", {"unk_token": "[UNK]", "cls_token": "[CLS]"})
        _write(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
        names = ("Transformer", "Pooling", "Normalize")
        paths = ("", "1_Pooling", "2_Normalize")
        _write(
            folder / "modules.json",
            [
                {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{n}"}
                for i, (n, p) in enumerate(zip(names, paths, strict=True))
            ],
        )
        for name in paths[1:]:
            (folder / name).mkdir(exist_ok=True)
        _write(
            folder / "1_Pooling" / "config.json",
            {"word_embedding_dimension": config.hidden_size, "pooling_mode_mean_tokens": True},
        )
        _write(
            folder / "config_sentence_transformers.json",
            {"prompts": {"query": "find "}, "default_prompt_name": None},
        )
        return folder

    return _make


@pytest.fixture(scope="session")
def tiny_folder(make_folder: MakeFolder) -> Path:
    """One small folder for all tests that do not change it."""
    return make_folder()


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small folder, to be changed."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> SentenceTransformer:
    """The model of the small folder in float32."""
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


@pytest.fixture(scope="session")
def edit_json() -> EditJson:
    """Replace a JSON file by what a function makes of its content."""

    def _edit(path: Path, change: Change) -> None:
        value = json.loads(path.read_text(encoding="utf-8"))
        changed = change(value)
        _write(path, value if changed is None else changed)

    return _edit


@pytest.fixture(scope="session")
def edit_weights() -> EditWeights:
    """Replace the weights of a folder by what a function makes of them."""

    def _edit(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
        # Copies: the file that is overwritten must not be mapped into the tensors.
        weights = {n: w.clone() for n, w in load_file(folder / "model.safetensors").items()}
        save_file(change(weights), folder / "model.safetensors", metadata={"format": "pt"})

    return _edit


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """Token vectors of transformers' BertModel in float64, on a padded batch with its mask."""

    def _run(folder: Path, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        bert = _transformers_bert(folder)
        with torch.no_grad():
            return _padded(bert, texts)

    return _run


def _transformers_bert(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from transformers import AutoModel

        bert = AutoModel.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float64, use_safetensors=True
        )
    return bert.eval()


def _padded(bert: Any, texts: Sequence[Sequence[int]]) -> list[Tensor]:
    longest = max(len(ids) for ids in texts)
    ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
    states = bert(input_ids=ids, attention_mask=mask).last_hidden_state
    return [state[: len(text)] for state, text in zip(states, texts, strict=True)]


@pytest.fixture(scope="session")
def our_tokens() -> OurTokens:
    """Token vectors of our encoder cast to float64."""

    def _run(model: SentenceTransformer, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        from sentune.model.pack import pack

        packed = pack(texts)
        with torch.no_grad():
            return packed.split(model.encoder.double()(packed))

    return _run


@pytest.fixture
def refusal() -> Refusal:
    """Load a folder that must be refused with one line; return the line."""

    def _refusal(folder: Path | str, kind: type[SentuneError], **options: Any) -> str:
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
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
