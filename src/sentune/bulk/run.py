"""Texts, a shard at a time → vectors in a file, in bounded memory; a stopped run can continue."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from sentune.bulk.formats import require_vector_file
from sentune.bulk.publishing import publish
from sentune.bulk.work_folder import WorkFolder
from sentune.checks import require_text
from sentune.data import TextRow
from sentune.encoding.chunks import chunks
from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.encoding.precision import needs_ranges, quantize_embeddings, require_precision
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.tokens.truncation import Truncation, count_truncation
from sentune.wording import agreeing, counted

if TYPE_CHECKING:
    from sentune.encoding.encode import Block, EncodeSettings, LongText
    from sentune.encoding.runners.runner import Runner
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["EncodedFile", "checked_rows", "encode_to_file", "ids_of"]

_FEW_FOR_RANGES = 100
# Enough texts to order by length, and a minute's work at most on two processors.
_SHARD = 2048


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """What was written.

    Attributes:
        path: the file.
        rows, width: its shape; ``width`` counts bytes for the binary formats.
        truncation: what the length limit did to the texts.
        max_seq_length: the limit, in tokens.
        encoded: texts encoded by this call; an earlier call may have encoded the others.
        seconds: the time this call took.
    """

    path: Path
    rows: int
    width: int
    truncation: Truncation
    max_seq_length: int
    encoded: int
    seconds: float


def encode_to_file(
    model: SentenceTransformer,
    texts: Iterable[str | TextRow],
    out: str | Path,
    *,
    prompt_name: str | None = None,
    prompt: str | None = None,
    batch_size: int | None = None,
    precision: str = "float32",
    normalize_embeddings: bool = False,
    truncate_dim: int | None = None,
    long_text: LongText = "truncate",
    pool: Runner | None = None,
    show_progress_bar: bool | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> EncodedFile:
    """Encode any number of texts into a ``.npy``, ``.parquet`` or ``.arrow`` file.

    Finished shards of 2,048 texts are kept in the hidden folder ``.NAME.encoding`` beside the file;
    the file is made from them at the end. After a kill, the same call continues: texts whose shard
    is finished are read and compared, but not encoded again.

    The 8-bit formats take their ranges from all vectors, as ``encode`` does. So their shards are
    float32 until the end. The ranges are written to ``NAME.ranges.npy``, (2, dim).

    Memory: two shards; with a pool, four for each process. Disk: the vectors twice, until the end.

    Args:
        model: the model to encode with.
        texts: any iterable of texts, or of :class:`sentune.data.TextRow` with ids.
        out: the file to write; an old one is replaced at the end.
        prompt_name, prompt, batch_size, precision, normalize_embeddings, truncate_dim, long_text:
            as for ``encode``.
        pool: processes to compute in.
        show_progress_bar: as for ``encode``.
        say: called with a line for people, as when an earlier run is continued.

    Raises:
        OutputError: the suffix is unknown, the path cannot be written, the disk is full, another
            process writes the file, or an unfinished run there has other texts, another model or
            other options.
        MissingExtraError: Parquet or Arrow, without pyarrow.
        DataError: there is no text, or reading the texts raises it.
        ArgumentError, PoolError: as ``encode``.
        KeyboardInterrupt: its text says how to continue.
    """
    from sentune.encoding.runners.runner import (
        runner_for,  # loads PyTorch, which ``few`` does without
    )

    destination = Path(out)
    require_vector_file(destination)
    require_precision(precision)
    runner = runner_for(model, pool)
    settings = model.encode_settings(
        prompt_name=prompt_name,
        prompt=prompt,
        batch_size=batch_size,
        truncate_dim=truncate_dim,
        normalize_embeddings=normalize_embeddings,
        long_text=long_text,
    )
    job = _Job(model, settings, precision)
    began = time.monotonic()
    with WorkFolder.open(destination, job.to_json(), job.differences) as folder:
        before = folder.rows
        _say_what_is_there(folder, say)
        try:
            with count_truncation():  # in the result, so not in the log
                shards = _fill(folder, job, texts, runner, show_progress_bar)
            if not shards:
                raise DataError(
                    "there are no texts", expected="at least one text", fix="check the input"
                )
            if needs_ranges(precision) and folder.rows < _FEW_FOR_RANGES:
                few = counted(folder.rows, "vector")
                say(f"the ranges of {precision} come from {few}: use them only for these texts")
            shape = publish(folder, destination, shards, precision)
        except KeyboardInterrupt:
            folder.find_shards()  # Ctrl-C may come when a shard is on the disk but not counted
            raise KeyboardInterrupt(_left_behind(folder)) from None
        side = model.tokenizer.truncation_side
        cut = Truncation(side=side)
        for shard in (folder.shards[number] for number in range(shards)):
            counts = (shard.rows, shard.truncated, shard.tokens_left_out, shard.windowed)
            cut.add(Truncation(*counts, side=side))
    seconds = time.monotonic() - began
    encoded = max(0, shape.rows - before)
    return EncodedFile(
        destination, shape.rows, shape.width, cut, model.max_seq_length, encoded, seconds
    )


class _Job:
    """The model and the options that the vectors of a file depend on."""

    def __init__(
        self, model: SentenceTransformer, settings: EncodeSettings, precision: str
    ) -> None:
        self.model = model
        self.settings = settings
        self.precision = precision
        self._fingerprint = fingerprint(model)
        options = asdict(settings)
        # The batch size changes a vector only by rounding.
        del options["batch_size"], options["output_value"]
        self._options = {**options, "precision": precision}

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.model.base.name,
            "model": self._fingerprint.to_json(),
            "options": self._options,
        }

    def differences(self, other: dict[str, Any]) -> list[str]:
        try:
            recorded = Fingerprint.from_json(other["model"])
        except ModelError:
            return ["its model cannot be read"]
        # The prompt that was used is among the options.
        ignored = ("query_prompt", "document_prompt", "similarity", "dimension")
        found = recorded.differences(self._fingerprint, ignoring=ignored)
        if found:
            found = [f"it was started with the model {other['name']}", *found]
        return found + [
            f"{name} {value!r} instead of {other['options'][name]!r}"
            for name, value in self._options.items()
            if other["options"][name] != value
        ]


def _fill(
    folder: WorkFolder,
    job: _Job,
    texts: Iterable[str | TextRow],
    runner: Runner,
    show_progress_bar: bool | None,
) -> int:
    """Finish every shard that is not, and return how many there are."""
    begun: deque[tuple[int, str, list[str] | None]] = deque()
    count = first = 0

    def unfinished() -> Iterator[list[str]]:
        nonlocal count, first
        for chunk in chunks(checked_rows(texts), _SHARD, lambda row: len(row.text)):
            digest = _sha256(chunk)
            if not folder.holds(count, digest, first):
                begun.append((count, digest, ids_of(chunk)))
                yield [row.text for row in chunk]
            count, first = count + 1, first + len(chunk)

    blocks = job.model.encode_blocks(
        unfinished(), job.settings, pool=runner, show_progress_bar=show_progress_bar
    )
    with closing(blocks):  # at once, so that no bar is drawn any more when an error is printed
        for block in blocks:
            number, digest, ids = begun.popleft()
            folder.add(number, _kept(block, job.precision), digest, block.truncation, ids)
    return count


def checked_rows(texts: Iterable[str | TextRow]) -> Iterator[TextRow]:
    """Yield the texts as rows; all have ids, or none. Raises ArgumentError."""
    if isinstance(texts, str):
        raise ArgumentError(
            "texts is a single text", expected="an iterable of texts", fix="put it in a list"
        )
    with_ids: bool | None = None
    for position, row in enumerate(texts):
        name = f"texts[{position}]"
        checked = row if isinstance(row, TextRow) else TextRow(row)
        require_text(name, checked.text)
        with_ids = checked.id is not None if with_ids is None else with_ids
        if with_ids != (checked.id is not None):
            raise ArgumentError(
                f"{name} has {'no id' if with_ids else f'the id {checked.id!r}'}, unlike texts[0]",
                expected="an id for every text or for none",
                fix="add the ids that are missing, or leave all ids out",
            )
        yield checked


def ids_of(rows: Sequence[TextRow]) -> list[str] | None:
    """Return the ids of checked rows, of which there is at least one; None if they have none."""
    return None if rows[0].id is None else [str(row.id) for row in rows]


def _sha256(rows: Iterable[TextRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        for part in (row.text, row.id):
            content = b"" if part is None else part.encode("utf-8", "surrogatepass")
            # With the lengths, different lists of texts give different bytes.
            digest.update(f"{None if part is None else len(content)};".encode())
            digest.update(content)
    return digest.hexdigest()


def _kept(block: Block, precision: str) -> NDArray[Any]:
    vectors = block.vectors.cpu().numpy()
    return vectors if needs_ranges(precision) else quantize_embeddings(vectors, precision)


def _say_what_is_there(folder: WorkFolder, say: Callable[[str], None]) -> None:
    if folder.damaged:
        damaged, are = counted(folder.damaged, "shard"), agreeing(folder.damaged, "is")
        say(f"{damaged} in {folder.path} {are} damaged and {are} encoded again")
    if folder.rows:
        earlier = counted(folder.rows, "text")
        say(f"continuing after {earlier} that an earlier run encoded, if the input is the same")


def _left_behind(folder: WorkFolder) -> str:
    if folder.rows:
        done = counted(folder.rows, "text")
        return f"interrupted after {done}; the same command continues from there"
    return "interrupted; nothing was written"
