"""A model's files → a repository on the hub, in one commit, through huggingface_hub.

::

    name, token, files ─ checked here ─ create the repository ─ send the weights ─ one commit

Until the commit the repository holds nothing of the model, so whatever ends the sending leaves no
half of it. A new repository is private unless the caller says otherwise, and one that exists is
used only if it is as private as the caller expects.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sentune.errors import ArgumentError, HubError
from sentune.model_folder.hub.sent_files import CARD, SentFiles

__all__ = ["Destination", "require_sendable", "send_model"]

logger = logging.getLogger(__name__)

_MESSAGE = "Add a model"
_LONGEST_REASON = 200
_NOTHING = "nothing was sent"
_TRY_AGAIN = "wait a while, and run the same again"
# What the hub's answers mean, what was expected, and what to do.
_ANSWERS = {
    400: ("the hub does not take the request", "a model that the hub takes", "correct it"),
    401: (
        "the hub does not know the token",
        "a token of yours",
        "make one at https://huggingface.co/settings/tokens",
    ),
    403: (
        "the token may not write there",
        "a token with write access",
        "make one at https://huggingface.co/settings/tokens, or use your own name as the owner",
    ),
    404: (
        "there is no such repository or branch, or the token may not see it",
        "a name that exists",
        "check the name, and whose the token is",
    ),
    409: (
        "the repository exists",
        "a new repository",
        "name another one, or allow this one with --exist-ok (exist_ok=True)",
    ),
    413: ("the hub finds a file too large", "a smaller model", "correct it"),
    429: ("the hub gets too many requests", "fewer requests", _TRY_AGAIN),
}
_BROKEN = ("the hub has a fault of its own", "a hub that works", _TRY_AGAIN)
_OTHER = ("the hub refuses", "a model that the hub takes", "correct what it names")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a model goes.

    Attributes:
        repo_id: ``owner/name``, or ``name`` for the owner of the token.
        private: whether only the owner sees the repository.
        exist_ok: whether the repository may exist.
        revision: the branch, made if it does not exist; ``main`` when None.
        create_pr: propose the files in a pull request; the repository may exist.
        message: of the commit.
        keep_card: leave out ``README.md`` if the branch has one.
        token: of the hub; when None, the one that ``HF_TOKEN`` or a login has set.
    """

    repo_id: str
    private: bool = True
    exist_ok: bool = False
    revision: str | None = None
    create_pr: bool = False
    message: str | None = None
    keep_card: bool = False
    token: str | None = None


def require_sendable(to: Destination) -> str:
    """Check all that can be checked without the hub; return its address.

    Raises:
        HubError: the machine is set to be offline, or there is no token.
        ArgumentError: the name or the branch cannot be one.
    """
    # The library would tell the hub about this machine and the program that runs it.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(to.repo_id)
    except HFValidationError:
        raise ArgumentError(
            f"the name {to.repo_id!r}",
            expected="owner/name, of letters, digits, hyphens, points and underscores",
            fix="choose such a name",
        ) from None
    if to.create_pr and to.revision not in (None, "main"):
        raise ArgumentError(
            f"create_pr with the revision {to.revision!r}",
            expected="a pull request to main",
            fix="leave one of the two out",
        )
    if constants.is_offline_mode():
        raise HubError(
            "HF_HUB_OFFLINE is set, so nothing may be sent",
            expected="a machine that may reach the hub",
            fix="unset HF_HUB_OFFLINE for this command",
        )
    _token(to)
    return str(constants.ENDPOINT)


def send_model(sent: SentFiles, to: Destination) -> str:
    """Make the repository if need be, and commit all files at once; return the commit's address.

    Raises:
        HubError: the hub refuses, cannot be reached, or has the repository with another
            visibility. Then nothing is committed, unless only the hub's last answer was lost.
        ArgumentError: as :func:`require_sendable`.
    """
    require_sendable(to)
    from huggingface_hub import CommitOperationAdd, HfApi

    logger.info("sending to %s: %s", to.repo_id, ", ".join(sent.files))
    token = _token(to)
    api = HfApi(token=token)
    with _explained(f"{to.repo_id} cannot be made on the hub", _NOTHING, token):
        url = api.create_repo(
            to.repo_id, private=to.private, exist_ok=to.exist_ok or to.create_pr, repo_type="model"
        )
    name = str(url.repo_id)
    with _explained(f"{name} cannot be written", f"{name} exists, nothing was committed", token):
        _require_visibility(name, private=bool(api.model_info(name).private), asked=to.private)
        branch = to.revision or "main"
        if to.revision is not None and not to.create_pr:
            api.create_branch(name, branch=branch, exist_ok=True)
        skipped = CARD if to.keep_card and _has_card(api.model_info(name, revision=branch)) else ""
        additions = [
            CommitOperationAdd(path, file) for path, file in sent.files.items() if path != skipped
        ]
        where: dict[str, Any] = {"revision": branch, "create_pr": to.create_pr}
        api.preupload_lfs_files(name, additions, **where)
    lost = f"the files may have been committed: look at {url} before you try again"
    with _explained(f"the files cannot be committed to {name}", lost, token):
        made = api.create_commit(name, additions, commit_message=to.message or _MESSAGE, **where)
    return str(made.pr_url or made.commit_url)


def _has_card(info: Any) -> bool:
    return any(file.rfilename == CARD for file in info.siblings or ())


def _token(to: Destination) -> str:
    from huggingface_hub import get_token

    token = to.token or get_token()
    if not token:
        raise HubError(
            "there is no token for the hub",
            expected="a token with write access in HF_TOKEN, or a login",
            fix="run: hf auth login",
        )
    if not (isinstance(token, str) and token.isascii() and token.isprintable()):
        raise HubError(
            "the token for the hub has characters that no token has",
            expected="letters, digits and underscores",
            fix="copy it again from https://huggingface.co/settings/tokens",
        )
    return token


def _require_visibility(name: str, *, private: bool, asked: bool) -> None:
    if private == asked:
        return
    found, wanted = ("public", "private") if asked else ("private", "public")
    say_so = "say so with --public (private=False)" if asked else "leave --public out"
    raise HubError(
        f"{name} is {found} on the hub; {_NOTHING}",
        expected=f"a {wanted} repository, as was asked",
        fix=f"{say_so}, name another repository, or change this one in its settings on the hub",
    )


@contextmanager
def _explained(failed: str, state: str, token: str) -> Iterator[None]:
    """Every error of the library, the network and the hub as a HubError, without the token."""
    from huggingface_hub.errors import HfHubHTTPError

    network: Any = HfHubHTTPError.__bases__[0]  # of httpx, or of its successor
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {state}") from None
    except HubError:
        raise
    except (network, OSError, ValueError, RuntimeError) as error:
        first = _first_cause(error)
        if isinstance(first, HfHubHTTPError):
            raise _refused(first, failed, state, token) from None
        raise HubError(
            f"{failed} ({_plain(first, token)}); {state}",
            expected="a hub that can be reached",
            fix="check the network and HF_ENDPOINT, and run the same again",
        ) from None


def _first_cause(error: BaseException) -> BaseException:
    """The error behind those that the library raises from it; the hub's answer, if it is one."""
    from huggingface_hub.errors import HfHubHTTPError

    while error.__cause__ is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error


def _refused(error: Any, failed: str, state: str, token: str) -> HubError:
    """The hub has answered, so it has not committed anything."""
    status = int(getattr(error.response, "status_code", 0))
    meaning, expected, fix = _BROKEN if status >= 500 else _ANSWERS.get(status, _OTHER)
    said = _plain(getattr(error, "server_message", None) or "", token)
    if "may have been" in state:
        state = "nothing was committed"
    return HubError(
        f"{failed}: {meaning} (HTTP {status}{f', {said!r}' if said else ''}); {state}",
        expected=expected,
        fix=fix,
    )


def _plain(reason: object, token: str) -> str:
    """The first line of a reason, or its class, shortened and without the token."""
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    text = lines[0] if lines else "" if isinstance(reason, str) else type(reason).__name__
    text = "".join(c if c.isprintable() else " " for c in text).replace(token, "…")
    return text[:_LONGEST_REASON].rstrip(". :")
