"""``push_to_hub``: what every model class has, over :mod:`sentune.model_folder.hub.uploading`."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError
from sentune.model_folder.hub.sent_files import sent_files
from sentune.model_folder.hub.uploading import Destination, require_sendable, send_model

__all__ = ["Pushes", "require_safetensors"]

logger = logging.getLogger(__name__)


class Pushes:
    """A model that can be sent to the Hugging Face hub. Nothing is sent but by these methods."""

    def push_to_hub(
        self,
        repo_id: str,
        token: str | None = None,
        private: bool | None = None,
        safe_serialization: bool = True,
        commit_message: str | None = None,
        local_model_path: str | Path | None = None,
        exist_ok: bool = False,
        replace_model_card: bool = False,
        train_datasets: Sequence[str] | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Send the model to the hub, in one commit, and return the commit's address.

        Cost: the model is written to a temporary folder first, unless it has a folder already.

        Args:
            repo_id: ``owner/name``, or ``name`` for the owner of the token.
            token: of the hub; ``HF_TOKEN`` or a login when None.
            private: whether only the owner sees the repository; True when None, unlike in
                sentence-transformers. A repository that exists must be as private as this says.
            safe_serialization: only True: weights are sent as safetensors.
            commit_message: of the commit.
            local_model_path: send the model in this folder instead. Of other files there, which
                are not sent, a warning tells.
            exist_ok: whether the repository may exist.
            replace_model_card: send ``README.md`` even if the repository has one.
            train_datasets: names of data sets, for the card of a model that is written now.
            revision: the branch, made if it does not exist.
            create_pr: propose the files in a pull request.

        Raises:
            HubError: the machine is offline, there is no token, or the hub refuses; nothing is
                committed then.
            ModelError: ``local_model_path`` has no whole model.
            ArgumentError: a name or an argument that cannot be used.
        """
        require_safetensors(safe_serialization)
        to = Destination(
            repo_id,
            private=True if private is None else private,
            exist_ok=exist_ok,
            revision=revision,
            create_pr=create_pr,
            message=commit_message,
            keep_card=not replace_model_card,
            token=token,
        )
        require_sendable(to)
        if local_model_path is not None:
            sent = sent_files(Path(local_model_path))
            if sent.left_out:
                logger.warning("%s: not sent: %s", local_model_path, ", ".join(sent.left_out))
            return send_model(sent, to)
        with tempfile.TemporaryDirectory(prefix="sentune-push-") as above:
            folder = Path(above, "model")
            self._save(folder, model_name=repo_id, train_datasets=train_datasets)
            return send_model(sent_files(folder), to)

    def save_to_hub(self, repo_id: str, organization: str | None = None, **options: Any) -> str:
        """``push_to_hub`` under its older name; ``organization`` is the owner."""
        owned = repo_id if organization is None or "/" in repo_id else f"{organization}/{repo_id}"
        return self.push_to_hub(owned, **options)

    def _save(self, path: Path, **options: Any) -> None:
        save: Any = self.save_pretrained  # type: ignore[attr-defined]
        save(path, **options)


def require_safetensors(given: bool) -> None:
    """Raise ArgumentError unless ``safe_serialization`` is True."""
    if not given:
        raise ArgumentError(
            f"safe_serialization is {given!r}",
            expected="True, because other weight files are pickles, which can run code",
            fix="leave it out: every version of sentence-transformers reads safetensors",
        )
