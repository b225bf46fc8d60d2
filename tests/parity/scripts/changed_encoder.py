"""Tokens added, layers taken out, and the vectors of several layers, before and after saving."""

import sys

import torch
from sentence_transformers import SentenceTransformer, models

words = models.Transformer(sys.argv[1], max_seq_length=32)
tokens = ["[E1]", "<agent>"]
print(words.tokenizer.add_tokens(tokens, special_tokens=True), len(words.tokenizer))
words.auto_model.resize_token_embeddings(len(words.tokenizer))
with torch.no_grad():
    words.auto_model.get_input_embeddings().weight[-2:] = 0.2
model = SentenceTransformer(
    modules=[words, models.Pooling(words.get_word_embedding_dimension())], device="cpu"
)
print(model.tokenizer.tokenize("[E1] reads <agent>")[:3])
print([round(value, 3) for value in model.encode("[E1] reads a file <agent>").tolist()[:6]])
features = model.tokenizer(["a file", "a list"], padding=True, return_tensors="pt")
with torch.no_grad():
    layers = model[0].auto_model(**features, output_hidden_states=True).hidden_states
print(len(layers), [round(value, 3) for value in torch.stack(layers)[:, 1, 2, 0].tolist()])
auto_model = model._first_module().auto_model
auto_model.encoder.layer = torch.nn.ModuleList([auto_model.encoder.layer[1]])
auto_model.config.num_hidden_layers = 1
for name, weights in model.named_parameters():
    weights.requires_grad = "encoder.layer.0." in name
print(any(weights.requires_grad for weights in model.parameters()))
print([round(value, 3) for value in model.encode("[E1] reads a file").tolist()[:6]])
model.save("changed")
again = SentenceTransformer("changed", device="cpu")
print(len(again[0].auto_model.encoder.layer), again[0].auto_model.config.vocab_size)
print([round(value, 3) for value in again.encode("[E1] reads a file").tolist()[:6]])
