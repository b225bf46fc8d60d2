"""The first stage of a model, with the encoder and the tokenizer that scripts see in it."""
