"""Stages put into a model and taken out, and all values of a text."""

import sys

import torch
from sentence_transformers import SentenceTransformer, models, util

torch.manual_seed(1)
model = SentenceTransformer(sys.argv[1], device="cpu")
model.append(models.Dense(in_features=32, out_features=8, activation_function=torch.nn.Tanh()))
print(len(model), model.encode("a file").shape)
print([round(float(x), 3) for x in model.encode("a file")])
model.pop(len(model) - 1)
model.insert(2, models.LayerNorm(32))
print([type(stage).__name__ for stage in model])
model[0].max_seq_length = 12
print(model.max_seq_length)
values = model.encode("the words of a file", output_value=None)
print(sorted(values.keys() - {"modality"}), values["input_ids"].tolist())
print(values["token_embeddings"].shape, [round(float(x), 3) for x in values["sentence_embedding"]])
model.save("out")
again = SentenceTransformer("out", device="cpu")
texts = ["a list of names", "an error", "the end", "the end of a block"]
print(abs(again.encode(texts) - model.encode(texts)).max() < 1e-6)
vectors = model.encode(texts, convert_to_tensor=True)
print([round(value, 3) for value in util.pairwise_angle_sim(vectors[:2], vectors[2:]).tolist()])
