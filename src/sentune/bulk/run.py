"""Texts, a shard at a time → vectors in a file, in bounded memory, and on from where it stopped."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.bulk.formats import Part, Shape, require_vector_file, write_vectors
from sentune.bulk.work_folder import Shard, WorkFolder
from sentune.checks import require_text
from sentune.data import TextRow
from sentune.encoding.chunks import chunks
from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.encoding.precision import needs_ranges, quantize_embeddings, require_precision
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.tokens.truncation import Truncation, count_truncation

if TYPE_CHECKING:
    from sentune.encoding.encode import Block, EncodeSettings, LongText
    from sentune.encoding.runner import Runner
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
        truncation: what the length limit did, to all texts.
        max_seq_length: that limit, in tokens.
        encoded: texts encoded by this call; an earlier one may have done the others.
        seconds: that it took.
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

    Finished shards of 2,048 texts lie in the hidden folder ``.NAME.encoding`` beside the file
    until all are there and the file is put together from them. A call that is killed is gone on
    with by the same call: texts whose shard is finished are read and compared, not encoded again.

    The 8-bit formats take their ranges from all vectors, as ``encode`` does, which is why their
    shards are float32 until the end; the ranges are written as ``NAME.ranges.npy``, (2, dim).

    Memory: two shards, four for each process of a pool. Disk: the vectors twice, until the end.

    Args:
        model: what to encode with.
        texts: in any iterable, each a text or a :class:`sentune.data.TextRow` with an id.
        out: the file to write; an old one is replaced at the end.
        prompt_name, prompt, batch_size, precision, normalize_embeddings, truncate_dim, long_text:
            as for ``encode``.
        pool: processes to compute in.
        show_progress_bar: as for ``encode``.
        say: told in a line what an earlier call left behind.

    Raises:
        OutputError: the suffix is another, the place cannot be written, the disk is full, another
            process is at it, or what was left there belongs to other texts, another model or
            other options.
        MissingExtraError: Parquet or Arrow, without pyarrow.
        DataError: no text, or what reading them raises.
        ArgumentError, PoolError: as ``encode``.
        KeyboardInterrupt: its text says how to go on.
    """
    from sentune.encoding.runner import runner_for  # loads PyTorch, which ``few`` does without

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
        _tell(folder, say)
        try:
            with count_truncation():  # told in the result, so not in the log as well
                shards = _fill(folder, job, texts, runner, show_progress_bar)
            if not shards:
                raise DataError("no texts", expected="at least one", fix="give some")
            if needs_ranges(precision) and folder.rows < _FEW_FOR_RANGES:
                say(f"the ranges of {precision} come from {folder.rows} vectors and suit no others")
            shape = _publish(folder, job, destination, shards)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_left_behind(folder)) from None
        cut = _truncation(folder.shards[number] for number in range(shards))
    seconds = time.monotonic() - began
    encoded = max(0, shape.rows - before)
    return EncodedFile(
        destination, shape.rows, shape.width, cut, model.max_seq_length, encoded, seconds
    )


class _Job:
    """What the vectors of a file depend on, besides the texts."""

    def __init__(
        self, model: SentenceTransformer, settings: EncodeSettings, precision: str
    ) -> None:
        self.model = model
        self.settings = settings
        self.precision = precision
        self._fingerprint = fingerprint(model)
        options = asdict(settings)
        # How many texts are computed together changes a vector by rounding only.
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
            found = [f"it was begun with the model {other['name']}", *found]
        return found + [
            f"{name} {value!r} instead of {other['options'][name]!r}"
            for name, value in self._options.items()
            if other["options"][name] != value
        ]


@dataclass(frozen=True, slots=True)
class _Begun:
    number: int
    texts_sha256: str
    ids: list[str] | None


def _fill(
    folder: WorkFolder,
    job: _Job,
    texts: Iterable[str | TextRow],
    runner: Runner,
    show_progress_bar: bool | None,
) -> int:
    """Finish every shard that is not, and return how many there are."""
    begun: deque[_Begun] = deque()
    count = first = 0

    def unfinished() -> Iterator[list[str]]:
        nonlocal count, first
        for chunk in chunks(checked_rows(texts), _SHARD, lambda row: len(row.text)):
            digest = _sha256(chunk)
            if not folder.holds(count, digest, first):
                begun.append(_Begun(count, digest, ids_of(chunk)))
                yield [row.text for row in chunk]
            count, first = count + 1, first + len(chunk)

    blocks = job.model.encode_blocks(
        unfinished(), job.settings, pool=runner, show_progress_bar=show_progress_bar
    )
    with closing(blocks):  # at once, so that no bar is drawn any more when an error is told
        for block in blocks:
            shard = begun.popleft()
            folder.add(
                shard.number,
                _kept(block, job.precision),
                texts_sha256=shard.texts_sha256,
                truncated=block.truncation.truncated,
                tokens_left_out=block.truncation.tokens_left_out,
                windowed=block.truncation.windowed,
                ids=shard.ids,
            )
    return count


def checked_rows(texts: Iterable[str | TextRow]) -> Iterator[TextRow]:
    """The texts as rows, which all have ids or none. Raises ArgumentError."""
    if isinstance(texts, str):
        raise ArgumentError("one text", expected="texts in an iterable", fix="put it in a list")
    with_ids: bool | None = None
    for position, row in enumerate(texts):
        place = f"texts[{position}]"
        checked = row if isinstance(row, TextRow) else TextRow(row)
        require_text(place, checked.text)
        with_ids = checked.id is not None if with_ids is None else with_ids
        if with_ids != (checked.id is not None):
            raise ArgumentError(
                f"{place} with {'no id' if with_ids else f'the id {checked.id!r}'}",
                expected="an id for every text or for none",
                fix="add the ids that are missing, or leave them out",
            )
        yield checked


def ids_of(rows: Sequence[TextRow]) -> list[str] | None:
    """The ids of checked rows, at least one; None where they have none."""
    return None if rows[0].id is None else [str(row.id) for row in rows]


def _sha256(rows: Iterable[TextRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        for part in (row.text, row.id):
            content = b"" if part is None else part.encode("utf-8", "surrogatepass")
            # The lengths, so that no two lists of texts give the same bytes.
            digest.update(f"{None if part is None else len(content)};".encode())
            digest.update(content)
    return digest.hexdigest()


def _kept(block: Block, precision: str) -> NDArray[Any]:
    vectors = block.vectors.cpu().numpy()
    return vectors if needs_ranges(precision) else quantize_embeddings(vectors, precision)


def _publish(folder: WorkFolder, job: _Job, out: Path, shards: int) -> Shape:
    """Put the file together from the shards, and its ranges beside it if it has any."""
    ranges = _ranges(folder, shards, job.precision) if needs_ranges(job.precision) else None

    def part(number: int) -> Part:
        vectors = folder.vectors(number)
        if ranges is not None:
            vectors = quantize_embeddings(vectors, job.precision, ranges)
        return Part(vectors, folder.shards[number].ids)

    first = part(0)
    shape = Shape(
        rows=sum(folder.shards[number].rows for number in range(shards)),
        width=first.vectors.shape[1],
        dtype=first.vectors.dtype,
        with_ids=first.ids is not None,
    )
    if ranges is not None:
        table = np.asarray(ranges)
        folder.publish(
            f"{out.stem}.ranges.npy", lambda stream: np.save(stream, table, allow_pickle=False)
        )
    parts = (part(number) for number in range(shards))
    folder.publish(out.name, lambda stream: write_vectors(out.suffix.lower(), stream, shape, parts))
    folder.finished = True
    return shape


def _ranges(folder: WorkFolder, shards: int, precision: str) -> NDArray[np.float32]:
    low = high = folder.vectors(0)[0]
    for number in range(shards):
        vectors = folder.vectors(number)
        low = np.minimum(low, vectors.min(axis=0))
        high = np.maximum(high, vectors.max(axis=0))
    if folder.rows < 2:
        raise ArgumentError(
            f"one text to take the ranges of {precision} from",
            expected="at least two texts",
            fix="leave the precision out, or name binary or ubinary",
        )
    return np.vstack([low, high])


def _truncation(shards: Iterable[Shard]) -> Truncation:
    whole = Truncation()
    for shard in shards:
        whole.add(Truncation(shard.rows, shard.truncated, shard.tokens_left_out, shard.windowed))
    return whole


def _tell(folder: WorkFolder, say: Callable[[str], None]) -> None:
    if folder.damaged:
        say(f"{folder.damaged} shards in {folder.path} are damaged and are encoded again")
    if folder.rows:
        earlier = f"{folder.rows:,} texts that an earlier run has encoded"
        say(f"going on after {earlier}, if they are the same")


def _left_behind(folder: WorkFolder) -> str:
    if folder.rows:
        return f"interrupted after {folder.rows:,} texts; the same command goes on from there"
    return "interrupted; nothing was written"
