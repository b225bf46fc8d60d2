#!/usr/bin/env bash
# sentence-transformers 6.2.0 (transformers 5.23.0, torch 2.13.0), encode(convert_to_tensor=True).
# Expected: a tensor like any other, without a gradient: the input of a classifier that is trained on
# it, or changed in place.
# Seen: it is an inference tensor of torch. Both end in a RuntimeError that speaks of torch's inference
# mode, which the caller never entered. The list of tensors (convert_to_numpy=False) is no other;
# tensors made of the NumPy result work, and so does clone().
# Output: "convert_to_tensor: in place RuntimeError, training RuntimeError", the same for "list",
#         "from NumPy: in place fine, training fine", the same for "clone"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" sentence-transformers==6.2.0 transformers==5.23.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || failed
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained("tiny")
size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained("tiny")
model = SentenceTransformer("tiny", device="cpu")
texts = ["a b", "b"]


def in_place(vectors):
    vectors -= vectors.mean()


def training(vectors):
    head = torch.nn.Linear(32, 1)
    torch.nn.functional.mse_loss(head(vectors)[..., 0], torch.ones(vectors.shape[:-1])).backward()
    assert head.weight.grad.abs().sum() > 0


def seen(use, vectors):
    try:
        use(vectors)
    except RuntimeError as error:
        assert "nference" in str(error)
        return "RuntimeError"
    return "fine"


kinds = {
    "convert_to_tensor": lambda: model.encode(texts, convert_to_tensor=True),
    "list": lambda: model.encode(texts, convert_to_numpy=False)[0],
    "from NumPy": lambda: torch.from_numpy(model.encode(texts)),
    "clone": lambda: model.encode(texts, convert_to_tensor=True).clone(),
}
found = {name: (seen(in_place, make()), seen(training, make())) for name, make in kinds.items()}
for name, (changed, trained) in found.items():
    print(f"{name}: in place {changed}, training {trained}")
failing, working = ("RuntimeError", "RuntimeError"), ("fine", "fine")
assert list(found.values()) == [failing, failing, working, working]
PYTHON
