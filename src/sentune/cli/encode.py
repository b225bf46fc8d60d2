"""``sentune encode``: texts in, vectors out."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict, cast

import typer

from sentune.cli.on_ray import Ray, refuse_beside_ray, require_ray, runner_on_ray
from sentune.cli.options import OF_PASSAGES, Model, TextsOfMany, reads
from sentune.cli.output import interactive, say
from sentune.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentune.bulk import EncodedFile
    from sentune.data import ReadOptions, TextRow
    from sentune.encoding.encode import LongText

__all__ = ["NAME", "command"]

NAME = "encode"
_KEPT = 128 << 20  # bytes of free heap: more than the activations between two layers of a pack


class _Options(TypedDict):
    prompt_name: str | None
    prompt: str | None
    precision: str
    normalize_embeddings: bool
    truncate_dim: int | None


@reads(*OF_PASSAGES)
def command(
    model: Model,
    file: TextsOfMany = "-",
    out: Annotated[Path, typer.Option(help="The .npy, .parquet or .arrow file to write.")] = Path(
        "vectors.npy"
    ),
    prompt_name: Annotated[
        str | None, typer.Option(help="A prompt of the model, put before every text.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The text of a prompt; overrides --prompt-name.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="The most texts computed together.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, int8, uint8, binary or ubinary.")
    ] = "float32",
    truncate_dim: Annotated[int | None, typer.Option(help="Leading dimensions to keep.")] = None,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Scale vectors to unit length.")
    ] = False,
    device: Annotated[
        list[str] | None,
        typer.Option(help="Where to compute; repeat it for one process on each."),
    ] = None,
    compute_dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or int8.")] = "auto",
    long_text: Annotated[
        str, typer.Option(help="Texts over the limit: truncate, or chunk (mean of windows).")
    ] = "truncate",
    ray: Ray = None,
    *,
    reading: ReadOptions,
) -> None:
    """Write the vectors of texts to a file, one row a text. Continues a run that was stopped."""
    from sentune.bulk import FEW, encode_few_to_file, require_vector_file
    from sentune.data.many_files import text_files
    from sentune.machine.hardware import may_have_gpu, processor_bfloat16_unit
    from sentune.model_folder.resolve import resolve

    require_vector_file(out)
    if ray is not None:
        refuse_beside_ray(ray, device=device)
        require_ray(ray)
    if Path(model).is_file():  # no model given: fails here, not waiting for standard input
        resolve(model)
    found = text_files(file, reading)
    if found.skipped:
        files, others = counted(found.count, "file"), counted(found.skipped, "other")
        say(f"{files} with texts in {file}; {others} skipped")
    rows = iter(found)
    # Errors in the first rows are reported before a model is loaded.
    first = list(islice(rows, FEW + 1))
    options: _Options = {
        "prompt_name": prompt_name,
        "prompt": prompt,
        "precision": precision,
        "normalize_embeddings": normalize,
        "truncate_dim": truncate_dim,
    }
    on_processor = device == ["cpu"] or (not device and not may_have_gpu())
    plain = compute_dtype in ("auto", "float32") and batch_size is None and long_text == "truncate"
    written = None
    if len(first) <= FEW and plain and on_processor and ray is None:
        bfloat16 = compute_dtype == "auto" and processor_bfloat16_unit() is not None
        written = encode_few_to_file(model, first, out, bfloat16=bfloat16, **options, say=say)
    if written is None:
        every = chain(first, rows)
        how = (device or [], compute_dtype, batch_size, long_text, ray)
        written = _encode_all(model, every, out, *how, options)
    say(_summary(written))


def _encode_all(
    model: str,
    rows: Iterator[TextRow],
    out: Path,
    devices: list[str],
    compute_dtype: str,
    batch_size: int | None,
    long_text: str,
    ray: str | None,
    options: _Options,
) -> EncodedFile:
    from sentune.bulk import encode_to_file
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.machine.process import reuse_freed_memory

    reuse_freed_memory(_KEPT)
    device = "cpu" if ray is not None else next(iter(devices), None)
    encoder = SentenceTransformer(model, device=device, compute_dtype=compute_dtype)
    say(f"model {encoder.base.name} from {encoder.base.origin}")
    several = len(devices) > 1
    pools = encoder.start_multi_process_pool(devices) if several else runner_on_ray(ray, encoder)
    with pools as pool:
        return encode_to_file(
            encoder,
            rows,
            out,
            batch_size=batch_size,
            long_text=cast("LongText", long_text),
            pool=pool,
            show_progress_bar=interactive(),
            say=say,
            **options,
        )


def _summary(written: EncodedFile) -> str:
    done = f"wrote {written.rows:,} × {written.width} to {written.path}"
    cut = written.truncation.describe(written.max_seq_length)
    if not written.encoded:
        return f"{done}; {cut}"
    texts, rate = counted(written.encoded, "text"), written.encoded / max(written.seconds, 1e-9)
    cut = cut.removeprefix(f"{texts}, ")  # unless an earlier run encoded some of them
    return f"{done}: {texts} in {written.seconds:.1f} s, {rate:,.0f} a second; {cut}"
