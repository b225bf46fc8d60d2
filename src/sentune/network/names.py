"""Names that model folders and callers choose from; what computes them is beside its users."""

from __future__ import annotations

__all__ = [
    "ACTIVATION_NAMES",
    "DENSE_ACTIVATIONS",
    "FUSED_ACTIVATIONS",
    "POOLING_FLAGS",
    "POOLING_MODES",
    "SIMILARITY_FUNCTIONS",
    "VECTORS",
    "VECTOR_MODULES",
]

# As config.json spells them. Several are one function: gelu and gelu_python; those with tanh, which
# transformers computes in different steps; silu and swish.
ACTIVATION_NAMES = (
    *("gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),
    *("gelu_python_tanh", "relu", "silu", "swish", "quick_gelu"),
)

# Of torch.nn, for the vectors of Dense modules: those that need no settings and keep the width.
# fmt: off
DENSE_ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity",
    "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU",
    "SiLU", "Sigmoid", "Softmax", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh",
    "Tanhshrink",
)
# fmt: on

# The modules that may follow pooling.
VECTOR_MODULES = ("Dense", "LayerNorm", "Dropout", "Normalize")

# What sentence-transformers calls the vector of a text among the values that its modules pass on.
VECTORS = "sentence_embedding"

# Those that oneDNN computes in one pass with a product, by its names: attribute and algorithm.
FUSED_ACTIVATIONS = {
    None: ("none", "none"),
    "gelu": ("gelu", "none"),
    "gelu_python": ("gelu", "none"),
    "gelu_new": ("gelu", "tanh"),
    "gelu_pytorch_tanh": ("gelu", "tanh"),
    "gelu_fast": ("gelu", "tanh"),
    "gelu_accurate": ("gelu", "tanh"),
    "gelu_python_tanh": ("gelu", "tanh"),
    "relu": ("relu", "none"),
}

# Where a folder has only flags, several modes are concatenated in this order.
POOLING_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

# Their flags in the 3.1 folder layout, in the order of that version.
POOLING_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}

SIMILARITY_FUNCTIONS = ("cosine", "dot", "euclidean", "manhattan")
