"""What the tests of the model share: the base model, its reference, and real text.

PyTorch is loaded where it is used: the process that only shares out the tests needs none.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import inspect
import json
import os
import random
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub
# Before torch is loaded: threads that wait in a loop make tests ten times slower beside a busy
# process.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# oneDNN keeps half a megabyte for each shape of a product, and tests have thousands of shapes.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

import pytest
import tokenizers
from hypothesis import settings
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

from sentune.data.samples.python_docs import PythonDocs, python_docs
from sentune.machine import process
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

# No test asserts a time: a busy machine must not fail one.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

pytest_plugins = ["tests.model_fixtures", "tests.object_storage"]

MakeFolder = Callable[..., Path]

# The setting holds for the process: a test of a verb would make it keep the memory of trainings.
process._kept[0] = process._ALL

_GROWTH = 50 << 20  # bytes that a test process may gain before it gives memory back
_resident_before = 0

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}

_LONGEST = (
    # Beside its own three processes, this one needs a test process that is still small.
    "training/test_processes.py",
    "export/test_onnx.py",
    "encoding/runners/test_pool.py",
    "encoding/runners/test_pool_life.py",
    "crash/test_index.py",
    "cli/test_encode.py",
    "cli/test_cli.py",
    "index/object_storage/test_object_store.py",
    "network/test_architecture_gradients.py",
    "parity/test_model_parity.py",
    "crash/test_encoding.py",
    "training/test_resuming.py",
    "tuning/test_run.py",
    "training/losses/shared/test_all_gather.py",
    "crash/test_tuning.py",
    "crash/test_full_disk.py",
)
# What starts processes that load a model: these, and the two test processes, which grow to three
# times their first size, would need more than 4 GB together at the end of a run.
_BEFORE_OTHERS = ("serving", "crash", "load", "report/page/test_browser.py")

# fmt: off
_DOCUMENTED = [
    "argparse", "asyncio", "collections", "concurrent.futures", "configparser", "contextlib", "csv",
    "datetime", "decimal", "difflib", "email.message", "fractions", "functools", "heapq",
    "http.client", "inspect", "ipaddress", "itertools", "json", "logging", "mailbox", "math", "os",
    "pathlib", "pickle", "random", "re", "shutil", "smtplib", "socket", "sqlite3", "statistics",
    "string", "subprocess", "tarfile", "tempfile", "textwrap", "threading", "unittest",
    "unittest.mock", "urllib.parse", "urllib.request", "uuid", "weakref", "xml.etree.ElementTree",
    "zipfile",
]
# fmt: on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that take longest: one of them at the end would run alone.

    Then come those that start processes, while the test processes are still small.
    """
    here = Path(__file__).parent
    place = {here / name: number for number, name in enumerate(_LONGEST)}
    early = tuple(here / name for name in _BEFORE_OTHERS)

    def _turn(item: pytest.Item) -> int:
        others = not any(map(item.path.is_relative_to, early))
        return place.get(item.path, len(place) + others)

    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Leave what was imported out of later collections, which take a fifth of the time then."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """Free the models that tests leave in reference cycles.

    A trainer and its model refer to each other, and Python rarely looks for old cycles. After
    a training glibc keeps freed memory too. Without this a process of the suite grows to 3.5 GB.
    """
    yield
    global _resident_before
    if sys.platform == "linux" and _resident() > _resident_before + _GROWTH:
        gc.collect()
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)
        _resident_before = _resident()


def _resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """The folder of the published all-MiniLM-L6-v2."""
    return resolve(DEFAULT_BASE_MODEL).folder


@pytest.fixture(scope="session")
def model() -> SentenceTransformer:
    """The base model in float32; tests put back what they change."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    return SentenceTransformer(device="cpu", compute_dtype="float32")


@pytest.fixture(scope="session")
def reference(base_folder: Path) -> Any:
    """sentence-transformers' model of the same folder."""
    with warnings.catch_warnings():
        # Its import and transformers' warn about their own future; nothing here depends on it.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import sentence_transformers

        return sentence_transformers.SentenceTransformer(str(base_folder), device="cpu")


@pytest.fixture(scope="session")
def library() -> PythonDocs:
    """The pairs of Python's standard library, whose modules take seconds to read."""
    return python_docs()


@pytest.fixture(scope="session")
def real_texts() -> list[str]:
    """1,000 real texts, from one token to more than twice the model's length limit."""
    draw = random.Random(0)
    paragraphs = list(_paragraphs())
    texts = [
        "a",
        "Python",
        "",
        " \n\t ",
        "[CLS] and [SEP] in a text [MASK]",
        "naïve café — 東京 🙂 ﬁn",
    ]
    while len(texts) < 1000:
        words = round(2 ** draw.uniform(0, 8.8))  # 1 to 446 words, every length as likely
        start = draw.randrange(len(paragraphs))
        kind = draw.choice(("whole", "slice", "joined"))
        if kind == "whole":
            texts.append(paragraphs[start])
        elif kind == "slice":
            pieces = paragraphs[start].split(" ")
            texts.append(" ".join(pieces[: words + 1]))
        else:
            joined, rest = "", iter(paragraphs[start:] + paragraphs)
            while joined.count(" ") < words:
                joined += next(rest) + "\n\n"
            texts.append(" ".join(joined.split(" ")[:words]))
    return texts


def _paragraphs() -> Iterator[str]:
    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            if paragraph.strip():
                yield paragraph.strip()
    for name in _DOCUMENTED:
        module = importlib.import_module(name)
        for _, member in sorted(vars(module).items()):
            documented = inspect.isroutine(member) or inspect.isclass(member)
            text = inspect.getdoc(member) if documented else None
            if text:
                yield text


# ── a small model with random weights ─────────────────────────────────────────────────────────


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
            import torch
            from safetensors.torch import save_file
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


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> SentenceTransformer:
    """The model of the small folder in float32."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


# ── small models of every architecture, made and saved by transformers ────────────────────────

# What transformers calls their classes, and sizes under the names of their configurations.
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", {}),  # with the tokens of XLM-RoBERTa, as in paraphrase-multilingual-MiniLM
    "roberta": ("Roberta", {"max_position_embeddings": 66}),
    "xlm-roberta": ("XLMRoberta", {"max_position_embeddings": 66, "type_vocab_size": 1}),
    "camembert": ("Camembert", {"max_position_embeddings": 66, "type_vocab_size": 1}),
    "mpnet": ("MPNet", {"max_position_embeddings": 66}),
    "modernbert": ("ModernBert", {"local_attention": 16}),
    "distilbert": ("DistilBert", {"hidden_dim": 64, "activation": "relu"}),
    "electra": ("Electra", {"embedding_size": 16}),
    "albert": ("Albert", {"embedding_size": 16}),
    # With wide weights their gates multiply differences of rounding.
    "nomic_bert": ("NomicBert", {"initializer_range": 0.15}),
    "gte": ("Gte", {"initializer_range": 0.15}),
}


@pytest.fixture(scope="session")
def make_architecture(
    real_texts: list[str], vocabulary: list[str], tmp_path_factory: pytest.TempPathFactory
) -> MakeFolder:
    """Write a folder as transformers does; keywords change the configuration.

    Without changes it is made once: copy it before you change it.
    """
    made: dict[str, Path] = {}

    def _make(model_type: str, **changes: Any) -> Path:
        if changes:
            return _new(model_type, **changes)
        return made.get(model_type) or made.setdefault(model_type, _new(model_type))

    def _new(model_type: str, **changes: Any) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import torch
            import transformers

            name, sizes = ARCHITECTURES[model_type]
            tokenizer = _tokenizers(transformers, real_texts, vocabulary)[model_type]()
            special = {
                f"{part}_token_id": getattr(tokenizer, f"{part}_token_id")
                for part in ("pad", "bos", "eos", "cls", "sep")
            }
            usual = {**SIZES, "num_hidden_layers": 3, "initializer_range": 0.3, **special}
            values = {**usual, "vocab_size": len(tokenizer) + 3, **sizes, **changes}
            torch.manual_seed(0)
            encoder = getattr(transformers, f"{name}Model")(
                getattr(transformers, f"{name}Config")(**values)
            )
        with torch.no_grad():
            for parameter in encoder.parameters():  # biases begin as 0: one for another would pass
                parameter.add_(torch.randn_like(parameter) * 0.1)
        folder = tmp_path_factory.mktemp(model_type)
        encoder.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return _make


@pytest.fixture(scope="session", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    """The model_type of every architecture in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def architecture_folder(architecture: str, make_architecture: MakeFolder) -> Path:
    """A small folder of the architecture, for all tests that do not change it."""
    return make_architecture(architecture)


def _tokenizers(
    transformers: Any, texts: list[str], vocabulary: list[str]
) -> dict[str, Callable[[], Any]]:
    roberta = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    camembert = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<s>", "</s>", "<mask>"]
    mpnet = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    albert = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    return {
        "bert": lambda: transformers.XLMRobertaTokenizer(**_unigram(vocabulary, roberta)),
        "roberta": lambda: transformers.RobertaTokenizer(**_byte_level(texts, roberta)),
        "xlm-roberta": lambda: transformers.XLMRobertaTokenizer(**_unigram(vocabulary, roberta)),
        "camembert": lambda: transformers.CamembertTokenizer(**_unigram(vocabulary, camembert)),
        "modernbert": lambda: _modernbert(transformers, texts),
        "mpnet": lambda: transformers.MPNetTokenizer(vocab=_word_piece(vocabulary, mpnet)),
        "distilbert": lambda: transformers.DistilBertTokenizer(vocab=_word_piece(vocabulary)),
        "electra": lambda: transformers.ElectraTokenizer(vocab=_word_piece(vocabulary)),
        "albert": lambda: transformers.AlbertTokenizer(**_unigram(vocabulary, albert)),
        "nomic_bert": lambda: transformers.BertTokenizer(vocab=_word_piece(vocabulary)),
        "gte": lambda: transformers.XLMRobertaTokenizer(**_unigram(vocabulary, roberta)),
    }


def _modernbert(transformers: Any, texts: list[str]) -> Any:
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    learned = _byte_level(texts, list(names.values()))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(**learned))
    tokenizer.normalizer = tokenizers.normalizers.NFC()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, learned["vocab"][token]) for token in ("[CLS]", "[SEP]")],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in names.items()},
    )


def _word_piece(vocabulary: list[str], special: list[str] | None = None) -> dict[str, int]:
    tokens = [*(special or vocabulary[:5]), *vocabulary[5:]]
    return {token: number for number, token in enumerate(tokens)}


def _byte_level(texts: list[str], special: list[str]) -> dict[str, Any]:
    """Vocabulary and merges as byte-level BPE learns them from the texts."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts[:200], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(merge) for merge in model["merges"]]}


def _unigram(vocabulary: list[str], special: list[str]) -> dict[str, Any]:
    """Letters and words, each less likely than the one before: no two ways to split a word tie."""
    letters = [chr(code) for code in range(33, 127)]
    words = [word for word in vocabulary[5:] if len(word) > 1 and "#" not in word]
    pieces = ["▁", *letters, *(f"▁{word}" for word in words), *words]
    scored = [(piece, -10 - number**0.5) for number, piece in enumerate(pieces)]
    return {"vocab": [*((token, 0.0) for token in special), *scored]}
