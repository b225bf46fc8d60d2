"""Requests to a bucket, whose errors become ours: in words, and without a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError, MissingExtraError

__all__ = ["Bucket", "ChangedError", "StorageError", "is_object_location", "without_secrets"]

_SCHEME = "s3://"
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status (?:code )?:?\s*(\d{3})|(\d{3}) [A-Z][a-z]+")
_REQUEST = {"timeout": "60 seconds", "connect_timeout": "5 seconds"}
_PART, _LONGEST = 1 << 16, 1 << 22  # bytes
_RETRIES = 6
_RETRYING = 20  # seconds


class StorageError(Exception):
    """A request that failed; its text is the reason, in words."""


class ChangedError(StorageError):
    """An object is not the one that was to be replaced."""


def is_object_location(location: str | Path) -> bool:
    """Whether this names a bucket."""
    return str(location).startswith(_SCHEME)


class Bucket:
    """The objects below ``s3://bucket/name``, whose keys are given without that name.

    The address, the region and the credentials come from the environment, by the names that
    Amazon's tools use (``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, …), or from the
    machine's role. A request that fails is repeated up to six times, for at most 20 seconds.

    Raises:
        ArgumentError: no bucket, or no name in it; with ``whole``, the name may be missing.
        MissingExtraError: obstore is not installed.
    """

    def __init__(self, location: str, *, whole: bool = False) -> None:
        name = location.removeprefix(_SCHEME).rstrip("/")
        self.location = _SCHEME + name
        bucket, _, self.prefix = name.partition("/")
        unnamed = not self.prefix and not whole
        if not bucket or unnamed or "//" in self.prefix or ".." in self.prefix.split("/"):
            given = location if whole else f"the index {location}"
            raise ArgumentError(
                given,
                expected="a bucket and a name in it: s3://BUCKET/NAME",
                fix="add the name" if whole else "add the name that the index has in the bucket",
            )
        self._obstore = _obstore()
        self._store = import_module("obstore.store").S3Store(
            bucket,
            prefix=self.prefix or None,
            client_options={**_REQUEST, "allow_http": _is_plain(_endpoint())},
            retry_config=_retries(),
            **({} if _endpoint() is None else {"endpoint": _endpoint()}),
        )

    @property
    def lance_options(self) -> dict[str, str]:
        """What LanceDB needs to know, beside what it reads from the environment."""
        endpoint = _endpoint()
        options = {
            "timeout": "60s",
            "connect_timeout": "5s",
            "client_max_retries": str(_RETRIES),
            "client_retry_timeout": str(_RETRYING),
        }
        if endpoint is not None:
            options |= {"endpoint": endpoint, "allow_http": str(_is_plain(endpoint)).lower()}
        return options

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Content and tag of an object; None if there is none. Raises StorageError."""
        try:
            with self._asking():
                found = self._obstore.get(self._store, key)
                return bytes(found.bytes()), str(found.meta["e_tag"])
        except FileNotFoundError:
            return None

    def get_if_changed(self, key: str, tag: str) -> tuple[bytes, str] | None:
        """The same; the empty content with the given tag if the object is still that one."""
        try:
            with self._asking():
                found = self._obstore.get(self._store, key, options={"if_none_match": tag})
                return bytes(found.bytes()), str(found.meta["e_tag"])
        except FileNotFoundError:
            return None
        except self._errors.NotModifiedError:
            return b"", tag

    def put(self, key: str, content: bytes | Path, *, replacing: str | None = None) -> str:
        """Write an object, whatever was there; the new tag. Raises StorageError.

        With ``replacing``, a tag, only if the object still has it; with an empty one, only if there
        is no object.

        Raises:
            ChangedError: otherwise.
        """
        mode: Any = "overwrite" if replacing is None else "create"
        if replacing:
            mode = {"e_tag": replacing}
        changed = (self._errors.PreconditionError, self._errors.AlreadyExistsError)
        try:
            with self._asking():
                return str(self._obstore.put(self._store, key, content, mode=mode)["e_tag"])
        except (*changed, FileNotFoundError) as error:
            raise ChangedError(f"{key} was changed by another process") from error

    def fetch(self, key: str, write: Callable[[bytes], object]) -> bool:
        """Pass an object on in parts; False if there is none. Raises StorageError."""
        try:
            with self._asking():
                for part in self._obstore.get(self._store, key).stream(min_chunk_size=1 << 22):
                    write(bytes(part))
        except FileNotFoundError:
            return False
        return True

    def first_lines(self, key: str) -> Iterator[bytes]:
        """The lines of an object as they come, until one is as long as no line of texts is.

        It has none if it is not there. Raises StorageError.
        """
        try:
            with self._asking():
                left = b""
                for part in self._obstore.get(self._store, key).stream(min_chunk_size=_PART):
                    *lines, left = (left + bytes(part)).split(b"\n")
                    yield from lines
                    if len(left) > _LONGEST:
                        return
                yield left
        except FileNotFoundError:
            return

    def sizes(self, below: str = "") -> dict[str, int]:
        """Key → bytes, of all objects below a key. Raises StorageError."""
        found: dict[str, int] = {}
        with self._asking():
            for some in self._obstore.list(self._store, below or None):
                found |= {self._key(each["path"]): each["size"] for each in some}
        return found

    def names(self, below: str = "") -> tuple[list[str], list[str]]:
        """The folders and the objects right below a key. Raises StorageError."""
        with self._asking():
            found = self._obstore.list_with_delimiter(self._store, below or None)
        folders = [str(each).rstrip("/").rsplit("/", 1)[-1] for each in found["common_prefixes"]]
        objects = [str(each["path"]).rsplit("/", 1)[-1] for each in found["objects"]]
        return folders, objects

    def delete(self, keys: list[str]) -> None:
        """Remove objects, if they are there. Raises StorageError."""
        if keys:
            with self._asking():
                self._obstore.delete(self._store, keys)

    def _key(self, path: str) -> str:
        return str(path).removeprefix(f"{self.prefix}/" if self.prefix else "")

    @property
    def _errors(self) -> Any:
        return import_module("obstore.exceptions")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        kept = (
            self._errors.PreconditionError,
            self._errors.AlreadyExistsError,
            self._errors.NotModifiedError,
            FileNotFoundError,
        )
        try:
            yield
        except kept:
            raise
        except (self._errors.BaseError, OSError, ValueError) as error:
            raise StorageError(_reason(error)) from None


def _obstore() -> Any:
    try:
        return import_module("obstore")
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise MissingExtraError("obstore", "s3") from None


def _endpoint() -> str | None:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _is_plain(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.startswith("http://")


def _retries() -> dict[str, Any]:
    from datetime import timedelta

    return {
        "max_retries": _RETRIES,
        "retry_timeout": timedelta(seconds=_RETRYING),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=5),
            "base": 2,
        },
    }


def without_secrets(text: str) -> str:
    """A text without the credentials that the environment has."""
    for name in _SECRETS:
        secret = os.environ.get(name)
        if secret and len(secret) > 3:
            text = text.replace(secret, f"${name}")
    return text


def _reason(error: Exception) -> str:
    """What happened, in a few words: the answer of a server can be a page and name the key."""
    text = str(error)
    code = _CODE.search(text)
    known = {
        "AccessDenied": "access denied (AccessDenied)",
        "NoSuchBucket": "the bucket does not exist (NoSuchBucket)",
        "InvalidAccessKeyId": "the access key is unknown (InvalidAccessKeyId)",
        "SignatureDoesNotMatch": "the secret key is wrong (SignatureDoesNotMatch)",
        "SlowDown": "the server asks to slow down (SlowDown)",
    }
    if code is not None:
        return known.get(code[1], code[1])
    kinds = {
        "PermissionDeniedError": "access denied",
        "UnauthenticatedError": "the credentials are missing or wrong",
    }
    kind = type(error).__name__
    if kind in kinds:
        return kinds[kind]
    for part, said in (
        ("ConnectError", "the server cannot be reached"),
        ("error sending request", "the server cannot be reached, or it does not answer"),
        ("timed out", "the server does not answer"),
        ("instance metadata", "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("169.254", "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ):
        if part.lower() in text.lower():
            return said
    status = _STATUS.search(text)
    if status is not None:
        return f"the server answered {status[1] or status[2]}"
    return without_secrets(" ".join(text.split()))[:200]
