"""A few texts → vectors in a file, without the time that importing PyTorch takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sentune.bulk.formats import Part, Shape, require_vector_file, write_vectors
from sentune.bulk.run import EncodedFile, checked_rows, ids_of
from sentune.bulk.work_folder import WorkFolder
from sentune.data import TextRow
from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.precision import needs_ranges, quantize_embeddings, require_precision
from sentune.files import new_file, remove_partials
from sentune.model_folder.resolve import resolve

__all__ = ["FEW", "encode_few_to_file"]

FEW = 64  # texts; long ones may still be too much work


def encode_few_to_file(
    model: str,
    texts: Sequence[str | TextRow],
    out: str | Path,
    *,
    bfloat16: bool,
    prompt_name: str | None = None,
    prompt: str | None = None,
    precision: str = "float32",
    normalize_embeddings: bool = False,
    truncate_dim: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> EncodedFile | None:
    """As ``encode_to_file``, where :func:`sentune.encoding.few.few_texts.encode_few` can.

    Args:
        model: a name or folder.
        texts: at most ``FEW``.
        out: the file to write.
        bfloat16: the number format; float32 when False.
        prompt_name, prompt, precision, normalize_embeddings, truncate_dim: as there.
        say: called with a line that names the model.

    Returns:
        None, and nothing is written, where ``encode_to_file`` has to do it: also for precisions
        with ranges, and where an encoding of that file was stopped.

    Raises:
        ModelNotFoundError, ModelError, OutputError, MissingExtraError, ArgumentError: as there.
    """
    destination = Path(out)
    require_vector_file(destination)
    require_precision(precision)
    if not texts or needs_ranges(precision) or WorkFolder(destination).exists:
        return None
    began = time.monotonic()
    rows = list(checked_rows(texts))
    base = resolve(model)
    found = encode_few(
        base,
        [row.text for row in rows],
        bfloat16=bfloat16,
        prompt_name=prompt_name,
        prompt=prompt,
        truncate_dim=truncate_dim,
        normalize_embeddings=normalize_embeddings,
    )
    if found is None:
        return None
    say(f"model {base.name} from {base.origin}")
    vectors = quantize_embeddings(found.vectors, precision)
    ids = ids_of(rows)
    shape = Shape(len(rows), vectors.shape[1], vectors.dtype, with_ids=ids is not None)
    remove_partials(destination.parent, destination.name)
    with new_file(destination) as stream:
        write_vectors(destination.suffix.lower(), stream, shape, [Part(vectors, ids)])
    return EncodedFile(
        destination,
        shape.rows,
        shape.width,
        found.truncation,
        found.max_seq_length,
        encoded=shape.rows,
        seconds=time.monotonic() - began,
    )
