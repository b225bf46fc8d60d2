"""``sentune cluster``: groups of similar texts, and what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.models import telling_truncation
from sentune.cli.options import BASE_MODEL, OF_TEXTS, AsJson, ModelOption, Rows, Texts, reads
from sentune.cli.output import interactive, one_line, print_json, say, show, write_out

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.tasks.clusters import Clustering

__all__ = ["NAME", "command"]

NAME = "cluster"
_EXAMPLE = 100


@reads(*OF_TEXTS)
def command(
    file: Texts,
    model: ModelOption = BASE_MODEL,
    method: Annotated[str, typer.Option(help="kmeans, hdbscan or agglomerative.")] = "kmeans",
    clusters: Annotated[
        int | None,
        typer.Option(help="How many; if left out, the number with the best silhouette."),
    ] = None,
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Group similar texts, and name every group.

    A name is the most typical words of its group.
    """
    from sentune.data import read_texts
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tasks.clusters import cluster, require_clusterable

    texts = list(read_texts(file, reading))
    require_clusterable(len(texts), method, clusters)
    encoder = SentenceTransformer(model)
    with telling_truncation(encoder):
        vectors = encoder.encode(texts, show_progress_bar=interactive())
    found = cluster(vectors, texts, method, clusters, show_progress_bar=interactive())
    say(f"{found.algorithm}: {found.chosen}")
    say(found.quality)
    if out is not None:
        labels = found.labels.tolist()
        rows = (
            {"text": text, "cluster": label, "name": found.name_of(label)}
            for text, label in zip(texts, labels, strict=True)
        )
        write_out(out, rows)
    if as_json:
        print_json(_as_dict(found, texts))
    elif out is None:
        _show_table(found, texts)


def _as_dict(found: Clustering, texts: list[str]) -> dict[str, Any]:
    return {
        "algorithm": found.algorithm,
        "chosen": found.chosen,
        "candidates": [
            {"n_clusters": number, "silhouette": figure}
            for number, figure in found.candidates.items()
        ],
        "silhouette": found.silhouette,
        "noise": found.noise,
        "clusters": [
            {
                "cluster": group.label,
                "size": group.size,
                "name": group.name,
                "words": group.words,
                "silhouette": group.silhouette,
                "representative": group.representative,
                "text": texts[group.representative],
            }
            for group in found.clusters
        ],
        "labels": found.labels.tolist(),
    }


def _show_table(found: Clustering, texts: list[str]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("cluster", "size", "silhouette"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("name")
    table.add_column("typical text")
    for group in found.clusters:
        figure = "–" if group.silhouette is None else f"{group.silhouette:.3f}"
        example = one_line(texts[group.representative], _EXAMPLE)
        # Only this text is cut to fit: a column that never wraps would push the others out.
        cell = Text(example, no_wrap=True, overflow="ellipsis")
        table.add_row(str(group.label), f"{group.size:,}", figure, Text(group.name), cell)
    if found.noise:
        table.add_row("–", f"{found.noise:,}", "", "noise: in no cluster", "")
    show(table)
