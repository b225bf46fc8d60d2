#!/usr/bin/env bash
# KeyBERT 0.9.0 and BERTopic 0.17.4 (sentence-transformers 6.2.0, transformers 5.23.0), given a model
# of a class of one's own that inherits from SentenceTransformer.
# Expected: it is used, as a SentenceTransformer is.
# Seen: both look for the words "sentence_transformers" in the name of the class. Without them the
# model is dropped, and one of the library's choice is downloaded and used in its place: KeyBERT takes
# paraphrase-multilingual-MiniLM-L12-v2, BERTopic all-MiniLM-L6-v2. Nothing is said, nor with verbose.
# Here small folders of those names stand for the downloads.
# Output: "KeyBERT: SentenceTransformer 32 dimensions, subclass 48", the same for BERTopic
#         (the model that was given has 32, the other one 48), "of the subclass: 0 encodings",
#         "lines that name either model: 0"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" keybert==0.9.0 bertopic==0.17.4 sentence-transformers==6.2.0 transformers==5.23.0
cd "$folder"
export HF_HUB_OFFLINE=1
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || failed
from bertopic import BERTopic
from bertopic.dimensionality import BaseDimensionalityReduction
from keybert import KeyBERT
from sklearn.cluster import KMeans
from transformers import BertConfig, BertModel, BertTokenizerFast

from sentence_transformers import SentenceTransformer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tax", "income", "rain", "cloud"]
defaults = "paraphrase-multilingual-MiniLM-L12-v2", "sentence-transformers/all-MiniLM-L6-v2"
for path, width in (("own", 32), (defaults[0], 48), (defaults[1], 48)):
    size = {"hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertTokenizerFast(vocab=dict(zip(words, range(len(words))))).save_pretrained(path)
    BertModel(BertConfig(vocab_size=len(words), intermediate_size=64, **size)).save_pretrained(path)


class Subclass(SentenceTransformer):
    encodings = 0

    def encode(self, *given, **named):
        Subclass.encodings += 1
        return super().encode(*given, **named)


def keybert(model):
    documents, _ = KeyBERT(model).extract_embeddings(["tax income", "rain cloud"])
    return documents.shape[1]


def bertopic(model):
    topics = BERTopic(
        embedding_model=model,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=KMeans(2, random_state=0),
        verbose=True,
    )
    topics.fit(["tax income", "income tax", "rain cloud", "cloud rain"])
    return topics.embedding_model.embed(["tax"]).shape[1]


models = [kind("own", device="cpu") for kind in (SentenceTransformer, Subclass)]
found = {}
for name, widths in (("KeyBERT", keybert), ("BERTopic", bertopic)):
    found[name] = [widths(model) for model in models]
    print("{}: SentenceTransformer {} dimensions, subclass {}".format(name, *found[name]))
print(f"of the subclass: {Subclass.encodings} encodings")
assert found == {"KeyBERT": [32, 48], "BERTopic": [32, 48]}
assert Subclass.encodings == 0
assert models[1].encode("tax").shape == (32,)
PYTHON
grep -q BERTopic "$folder/log"
mentions=$(grep -c -e MiniLM -e Subclass "$folder/log" || true)
echo "lines that name either model: $mentions"
test "$mentions" = 0
