"""The texts of a file, of all files of a folder, or of a bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from sentune.data.files.bucket_files import is_object_location, rows_of_object
from sentune.data.files.lines import STDIN
from sentune.data.passages import passage_files, passage_objects
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.texts import TextRow, read_text_rows

__all__ = ["TextFiles", "text_files"]


class TextFiles:
    """Rows of texts, one file after another.

    Attributes:
        count: the number of files.
        skipped: the number of other files of the folder, which are not read.
    """

    def __init__(self, each: Iterable[Iterator[TextRow]], count: int, skipped: int) -> None:
        self._each, self.count, self.skipped = each, count, skipped

    def __iter__(self) -> Iterator[TextRow]:
        for rows in self._each:
            yield from rows


def text_files(location: str | Path, options: ReadOptions = AS_NAMED) -> TextFiles:
    """The texts at a place with their ids, as :func:`sentune.data.read_text_rows` reads a file.

    A folder, or ``s3://BUCKET/NAME``, gives the texts of all files below it in the order of their
    names. An object is fetched when its rows are asked for.

    Raises:
        DataError: at once if there is nothing to read; while iterating, as ``read_text_rows``.
        ArgumentError, MissingExtraError: as :func:`sentune.data.passages.passage_objects`.
    """
    if is_object_location(location):
        objects = passage_objects(str(location), options.split)
        for note in objects.notes:
            options.tell(note)
        read = partial(read_text_rows, options=options)
        rows = (rows_of_object(name, read) for name in objects.names)
        return TextFiles(rows, len(objects.names), objects.skipped)
    if str(location) == STDIN or not Path(location).is_dir():
        return TextFiles([read_text_rows(location, options)], 1, 0)
    found = passage_files(location, options.split)
    for note in found.notes:
        options.tell(note)
    each = (read_text_rows(path, options) for path in found.files)
    return TextFiles(each, len(found.files), found.skipped)
