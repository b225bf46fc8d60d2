"""An index in a bucket beside the same index in a folder, and what a server can do to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.long import LONG
from tests.object_storage import KEYS, Server, error

from sentune import SentenceTransformer
from sentune.bucket import Bucket, ChangedError, StorageError
from sentune.errors import ArgumentError, IndexFolderError, OutputError
from sentune.index import Index
from sentune.index.object_storage.lease import Lease
from sentune.index.object_storage.store import ObjectStore
from sentune.index.rows.table import reason

Rows = list[dict[str, Any]]
HERE = "s3://test/indexes/one"
QUESTIONS = ["how do I copy a file", "threads", "a regular expression that matches"]


def _found(index: Index, mode: str = "hybrid", where: str | None = None) -> list[Any]:
    return [
        (hit.id, round(hit.score, 6), hit.fields)
        for question in QUESTIONS
        for hit in index.search(question, 5, mode=mode, where=where)
    ]


def test_built_searched_changed_and_rebuilt_as_in_a_folder(
    s3: Server, tmp_path: Path, tiny: SentenceTransformer, rows: Rows
) -> None:
    pair = [Index.build(at, tiny, rows[:60], late=True) for at in (tmp_path / "folder", HERE)]
    changed = [{**rows[3], "text": "an entirely different text"}, *rows[60:80]]
    for index in pair:
        index.add(changed)
        index.delete(["a7"])
        index.delete(where="page > 70")
    for index in (*pair, Index.open(HERE, tiny)):
        assert index.info().passages == len(pair[0])
        for mode in ("dense", "words", "hybrid", "late"):
            for where in (None, "part = 'odd' AND page < 60"):
                assert _found(index, mode, where) == _found(pair[0], mode, where)
    for index in pair:
        index.rebuild(tiny)
        assert index.info().version == 2
    assert _found(pair[1]) == _found(pair[0])
    assert "a7" not in {hit.id for hit in pair[1].search("anything", 500, mode="dense")}


def test_a_reader_elsewhere_sees_every_commit_and_fetches_a_file_once(
    s3: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny: SentenceTransformer,
    rows: Rows,
) -> None:
    writer = Index.build(HERE, tiny, rows[:50])
    monkeypatch.setenv("SENTUNE_CACHE", str(tmp_path / "another machine"))
    reader = Index.open(HERE, tiny)
    assert len(reader.search("x", 500, mode="dense")) == 50
    s3.requests.clear()
    reader.search("y", 5, mode="hybrid")
    assert [method for method, _ in s3.requests] == ["GET", "GET"]
    assert {path.rsplit("/", 1)[1] for _, path in s3.requests} == {"index.json", "revision.json"}
    writer.add(rows[50:60])
    writer.delete(["a1"])
    assert len(reader.search("x", 500, mode="dense")) == 59
    again = Index.open(HERE, tiny)
    s3.requests.clear()
    again.search("x", 5, mode="dense")
    assert not [path for _, path in s3.requests if path.endswith(".safetensors")]


def test_the_cache_is_not_taken_for_another_index_of_the_same_name(
    s3: Server, tiny: SentenceTransformer, rows: Rows
) -> None:
    Index.build(HERE, tiny, rows[:20])
    bucket = Bucket(HERE)
    bucket.delete(list(bucket.sizes()))
    other = Index.build(HERE, tiny, rows[30:50])
    found = {hit.id for hit in Index.open(HERE, tiny).search("x", 50, mode="dense")}
    assert (
        found
        == {row["id"] for row in rows[30:50]}
        == {hit.id for hit in other.search("x", 50, mode="dense")}
    )


def test_two_writers_at_once_lose_nothing(
    s3: Server, tiny: SentenceTransformer, rows: Rows
) -> None:
    Index.build(HERE, tiny, rows[:10])

    def add(first: int) -> None:
        index = Index.open(HERE, tiny)
        for start in range(first, first + 30, 10):
            index.add(rows[start : start + 10])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add, (10, 40)))
    assert len(Index.open(HERE, tiny)) == 70


@pytest.mark.usefixtures("quick")
def test_a_writer_that_dies_at_any_request_leaves_the_index_as_it_was_or_whole(
    s3: Server, monkeypatch: pytest.MonkeyPatch, tiny: SentenceTransformer, rows: Rows
) -> None:
    """From a request on, nothing of it arrives; then its lease runs out, and another goes on."""
    monkeypatch.setattr("sentune.index.object_storage.lease._SECONDS", 2.0)
    Index.build(HERE, tiny, rows[:12])
    index = Index.open(HERE, tiny)
    s3.requests.clear()
    index.add(rows[12:15])
    total = len(s3.requests)
    assert total > 10
    step = 1 if LONG else max(1, total // 6)
    done = 15
    for last in range(0, total, step):
        s3.requests.clear()
        s3.fault = lambda _method, _path, number, last=last: (
            ("500 Internal Server Error", error("InternalError")) if number > last else None
        )
        added = [{**rows[20], "id": f"new{last}"}]
        try:
            Index.open(HERE, tiny).add(added)
        except (OutputError, IndexFolderError) as caught:
            said = str(caught)
            assert "InternalError" in said or "500" in said, said
        s3.fault = None
        left = Index.open(HERE, tiny)
        assert len(left) in (done, done + 1)
        assert len(left.search("x", 500, mode="dense")) == len(left)
        left.add(added)
        done += 1
        assert len(left) == done == len(left.search("x", 500, mode="dense"))


def test_errors_that_pass_are_survived(s3: Server, tiny: SentenceTransformer, rows: Rows) -> None:
    """Every third request is answered by an error, and one is late."""
    answers = ("500 Internal Server Error", "503 Slow Down")

    def sometimes(_method: str, _path: str, number: int) -> tuple[str, bytes] | None:
        if number == 5:
            time.sleep(0.5)
        if number % 3:
            return None
        code = "SlowDown" if number % 2 else "InternalError"
        return answers[number % 2], error(code)

    s3.fault = sometimes
    index = Index.build(HERE, tiny, rows[:30])
    index.add(rows[30:40])
    s3.fault = None
    assert len(index.search("x", 100, mode="dense")) == 40


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("403 Forbidden", "AccessDenied", "access denied"),
        ("404 Not Found", "NoSuchBucket", "the bucket does not exist"),
        ("403 Forbidden", "InvalidAccessKeyId", "the access key is unknown"),
        ("403 Forbidden", "SignatureDoesNotMatch", "the secret key is wrong"),
    ],
)
def test_a_server_that_refuses_is_told_without_a_secret(
    s3: Server, tiny: SentenceTransformer, rows: Rows, status: str, code: str, said: str
) -> None:
    body = error(code).replace(b"no", f"{KEYS[0]} {KEYS[1]}".encode())
    s3.fault = lambda *_: (status, body)
    acts: list[Callable[[], object]] = [
        lambda: Index.open(HERE),
        lambda: Index.build(HERE, tiny, rows[:3]),
    ]
    for act in acts:
        with pytest.raises((IndexFolderError, OutputError)) as caught:
            act()
        assert said in str(caught.value)
        assert not any(key in str(caught.value) for key in KEYS)
        assert "\n" not in str(caught.value)


def test_the_answer_of_the_server_is_found_in_how_lance_writes_a_listing() -> None:
    listing = (
        f"Failed to connect: RetryErrorImpl {{ method: GET, uri: Some(http://a/{'b' * 300}), "
        'retries: 1, inner: Status { status: 503, body: Some("<Error><Code>SlowDown</Code>") } }'
    )
    assert reason(ValueError(listing)) == "GET was answered with 503"


@pytest.mark.usefixtures("quick")
def test_the_answer_of_the_server_stands_in_the_line_whatever_the_name_is(
    s3: Server, tiny: SentenceTransformer, rows: Rows
) -> None:
    here = f"{HERE}/{'a-long-name-of-a-folder/' * 8}index"
    Index.build(here, tiny, rows[:12])
    s3.fault = lambda method, path, _number: (
        ("500 Internal Server Error", error("InternalError"))
        if method == "GET" and path.endswith(".lance")
        else None
    )
    with pytest.raises(IndexFolderError, match=r"GET was answered with 500 Internal Server Error"):
        Index.open(here, tiny).add([{**rows[20], "text": "another text"}])


@pytest.mark.usefixtures("quick")
def test_a_bucket_that_may_be_read_only(s3: Server, tiny: SentenceTransformer, rows: Rows) -> None:
    index = Index.build(HERE, tiny, rows[:5])
    s3.fault = lambda method, *_: (
        ("403 Forbidden", error("AccessDenied")) if method not in ("GET", "HEAD") else None
    )
    acts: list[Callable[[], object]] = [
        lambda: index.add(rows[5:8]),
        lambda: index.delete(["a1"]),
        lambda: Index.build("s3://test/other", tiny, rows[:3]),
    ]
    for act in acts:
        with pytest.raises(OutputError, match=r"cannot be written .access denied"):
            act()
    assert len(index.search("x", 50, mode="dense")) == 5
    assert Bucket("s3://test/other").sizes() == {}


@pytest.mark.usefixtures("quick", "s3")
def test_a_server_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(IndexFolderError, match="cannot be reached"):
        Index.open(HERE)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("refused", ["facts.json", ".lance", "rows-", "revision.json"])
def test_a_build_that_may_not_write_leaves_nothing(
    refused: str, s3: Server, tiny: SentenceTransformer, rows: Rows
) -> None:
    s3.fault = lambda method, path, _: (
        ("403 Forbidden", error("AccessDenied")) if method == "PUT" and refused in path else None
    )
    with pytest.raises(OutputError, match="cannot be written"):
        Index.build(HERE, tiny, rows[:3])
    assert not Bucket(HERE).sizes()


@pytest.mark.parametrize("location", ["s3://", "s3://test", "s3://test/", "s3://test/a/../b"])
def test_a_bucket_without_a_name(location: str) -> None:
    with pytest.raises(ArgumentError, match="s3://BUCKET/NAME"):
        Index.open(location)


@pytest.mark.usefixtures("s3")
def test_what_is_there_is_not_overwritten(tiny: SentenceTransformer, rows: Rows) -> None:
    Bucket(HERE).put("notes.txt", b"mine")
    with pytest.raises(OutputError, match=r"holds something else \(notes.txt\)"):
        Index.build(HERE, tiny, rows[:3])
    Index.build("s3://test/two", tiny, rows[:3])
    with pytest.raises(OutputError, match="holds an index already"):
        Index.build("s3://test/two", tiny, rows[:3])
    with pytest.raises(IndexFolderError, match="there is no index at s3://test/three"):
        Index.open("s3://test/three")


@pytest.mark.usefixtures("s3")
def test_a_lease_runs_out_and_its_holder_writes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentune.index.object_storage.lease._SECONDS", 0.4)
    monkeypatch.setattr(Lease, "_renew_until_ended", lambda self: None)
    slow, quick = ObjectStore(HERE), ObjectStore(HERE)
    assert slow.read(1, "revision.json") is None
    with slow.writing():
        time.sleep(0.5)
        with quick.writing():
            quick.write(1, "revision.json", {"by": "quick"})
        with pytest.raises(OutputError, match="too slow"):
            slow.write(1, "revision.json", {"by": "slow"})
    assert ObjectStore(HERE).read(1, "revision.json") == {"by": "quick"}


@pytest.mark.usefixtures("s3")
def test_what_another_replaced_is_not_overwritten() -> None:
    """Also without a lease: the tag of what was read is compared."""
    first, second = ObjectStore(HERE), ObjectStore(HERE)
    first.write(1, "revision.json", {"n": 1})
    assert second.read(1, "revision.json") == {"n": 1}
    second.write(1, "revision.json", {"n": 2})
    with pytest.raises(OutputError, match="changed by another process"):
        first.write(1, "revision.json", {"n": 3})
    assert first.read(1, "revision.json") == {"n": 2}


@pytest.mark.usefixtures("s3")
def test_a_lease_is_renewed_while_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.index.object_storage.lease._SECONDS", 0.6)
    bucket = Bucket(HERE)
    lease = Lease(bucket, "writing.lock")
    lease.take(wait=False)
    with lease.renewed():
        time.sleep(1.2)
        lease.require()
        with pytest.raises(ChangedError):
            Lease(bucket, "writing.lock").take(wait=False)
    Lease(bucket, "writing.lock").take(wait=False)
    found = bucket.get("writing.lock")
    assert found is not None
    assert json.loads(found[0]).keys() == {"owner", "until"}


def test_an_interrupted_build_goes_on(
    s3: Server,
    monkeypatch: pytest.MonkeyPatch,
    tiny: SentenceTransformer,
    rows: Rows,
    counted: Any,
) -> None:
    monkeypatch.setattr("sentune.index.writer._CHUNK", 10)
    encode, calls = tiny.encode_document, []

    def stopped(inputs: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return encode(inputs, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tiny, "encode_document", stopped)
        with pytest.raises(KeyboardInterrupt):
            Index.build(HERE, tiny, rows[:50])
    with pytest.raises(IndexFolderError, match="was never finished"):
        Index.open(HERE)
    with counted(tiny) as encoded:
        index = Index.build(HERE, tiny, rows[:50])
    assert encoded
    assert not {row["text"] for row in rows[:20]} & set(encoded)
    assert len(index) == 50


def test_passages_are_deleted_by_the_object_that_they_came_from(
    s3: Server, tmp_path: Path, tiny: SentenceTransformer
) -> None:
    texts = Bucket("s3://test/texts")
    for name in "ab":
        texts.put(f"{name}.jsonl", json.dumps({"text": f"passage {name}"}).encode())
    index = Index.build(tmp_path / "index", tiny, "s3://test/texts")
    assert index.delete(source="s3://test/texts/a.jsonl") == 1
    assert list(index.info().sources) == ["s3://test/texts/b.jsonl"]


def test_a_request_is_repeated_six_times(s3: Server) -> None:
    """As the page says, and a server that asks to slow down is then called so."""
    s3.fault = lambda *_: ("503 Slow Down", error("SlowDown"))
    s3.requests.clear()
    with pytest.raises(StorageError, match="slow down"):
        Bucket(HERE).get("index.json")
    assert len(s3.requests) == 7
