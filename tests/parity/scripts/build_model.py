"""A model of stages, with a layer after pooling, saved and loaded."""

import sys

import torch
from sentence_transformers import SentenceTransformer, models

torch.manual_seed(5)
word_embedding_model = models.Transformer(sys.argv[1], max_seq_length=20)
pooling_model = models.Pooling(
    word_embedding_model.get_embedding_dimension(),
    pooling_mode="mean",
)
dense_model = models.Dense(
    in_features=pooling_model.get_embedding_dimension(),
    out_features=12,
    activation_function=torch.nn.Tanh(),
)
model = SentenceTransformer(
    modules=[word_embedding_model, pooling_model, dense_model, models.Normalize()], device="cpu"
)
sentences = ["the file is read", "a list of names " * 20]
print(model.encode(sentences).shape, model.get_max_seq_length(), len(model))
print([round(value, 3) for value in model.encode(sentences)[1].tolist()])
model.save("out/built")
again = SentenceTransformer("out/built", device="cpu", trust_remote_code=False)
print(abs(again.encode(sentences) - model.encode(sentences)).max() < 1e-6)
with model.truncate_sentence_embeddings(4):
    print(model.encode(sentences).shape)
print(sum(p.numel() for p in model[2].parameters()), type(model[1]).__name__)
