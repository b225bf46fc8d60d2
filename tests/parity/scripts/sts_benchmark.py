"""Scored pairs from a compressed file, and the files of evaluations read back."""

import csv
import gzip
import sys
from pathlib import Path

from sentence_transformers import SentenceTransformer, losses, models
from sentence_transformers.evaluation import EmbeddingSimilarityEvaluator
from sentence_transformers.readers import InputExample
from torch.utils.data import DataLoader

ROWS = [
    ("train", "5.0", "the file is read", "the file was read"),
    ("train", "0.5", "a list of names", "an error in the text"),
    ("dev", "4.0", "the number of words", "how many words"),
    ("dev", "2.0", "the end", "a block"),
    ("dev", "0.0", "a name is found", "the block is closed"),
    ("test", "3.5", "an error is raised", "an error"),
    ("test", "1.0", "the list", "one file"),
]
with gzip.open("sts.tsv.gz", "wt", encoding="utf8") as out:
    out.write("split\tscore\tsentence1\tsentence2\n")
    out.writelines("\t".join(row) + "\n" for row in ROWS)
parts = {"train": [], "dev": [], "test": []}
with gzip.open("sts.tsv.gz", "rt", encoding="utf8") as read:
    for row in csv.DictReader(read, delimiter="\t", quoting=csv.QUOTE_NONE):
        texts, score = [row["sentence1"], row["sentence2"]], float(row["score"]) / 5.0
        parts[row["split"]].append(InputExample(texts=texts, label=score))

words = models.Transformer(sys.argv[1], max_seq_length=32)
pooling = models.Pooling(words.get_word_embedding_dimension(), pooling_mode_mean_tokens=True)
model = SentenceTransformer(modules=[words, pooling], device="cpu")
evaluator = EmbeddingSimilarityEvaluator.from_input_examples(parts["dev"], name="sts-dev")
loader = DataLoader(parts["train"], shuffle=False, batch_size=2)
model.fit(
    train_objectives=[(loader, losses.CosineSimilarityLoss(model=model))],
    evaluator=evaluator,
    epochs=2,
    evaluation_steps=1000,
    warmup_steps=1,
    output_path="out",
    show_progress_bar=False,
)
print(sorted(path.name for path in Path("out/eval").iterdir()))
with Path("out/eval/similarity_evaluation_sts-dev_results.csv").open(encoding="utf8") as read:
    for row in csv.DictReader(read):
        print(row["epoch"], row["steps"], row["cosine_spearman"])
again = SentenceTransformer("out")
test = EmbeddingSimilarityEvaluator.from_input_examples(parts["test"], name="sts-test")
found = test(again, output_path="out")
print(sorted(found), test.primary_metric, Path("out/modules.json").exists())
