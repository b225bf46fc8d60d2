"""Vectors of a few texts, and how similar they are."""

import sys

from sentence_transformers import SentenceTransformer, util

model = SentenceTransformer(sys.argv[1], device="cpu")
model.max_seq_length = 32
sentences = ["the file is read", "the words of a text", "find the name of the file"]
embeddings = model.encode(sentences, convert_to_tensor=True, normalize_embeddings=True)
print(embeddings.shape, embeddings.dtype, model.get_sentence_embedding_dimension())
for sentence, embedding in zip(sentences, embeddings):  # noqa: B905 — as people write it
    print(sentence, [round(value, 3) for value in embedding[:4].tolist()])
scores = util.pytorch_cos_sim(embeddings, embeddings)
for first in range(len(sentences)):
    for second in range(first + 1, len(sentences)):
        print(f"{sentences[first]}\t{sentences[second]}\t{float(scores[first][second]):.3f}")
print(model.similarity(embeddings[0], embeddings).argsort(descending=True).tolist())
print(len(model.tokenizer.tokenize(sentences[0])), model.tokenizer.decode([2, 3]))
features = model.tokenizer(sentences, padding=True, truncation=True, return_tensors="pt")
print(features["attention_mask"].sum(dim=1).tolist(), model[0].auto_model.config.hidden_size)
