"""Why a model could not be fetched, in short words; the library's are long and name its calls."""

from __future__ import annotations

__all__ = ["why_not_fetched"]

_LONGEST = 200
_SERVERS_FAULT = 500  # an HTTP status from here on
_ASK = "check the path if you meant a folder, or fetch the model once while online"
_REACHABLE = "the hub cannot be reached: is this machine offline?"


def why_not_fetched(error: Exception, *, local_files_only: bool) -> tuple[str, str]:
    """What went wrong, and what to do about it."""
    from huggingface_hub import errors

    cause = _first_cause(error)
    # huggingface_hub 2 and later has this class.
    if isinstance(error, getattr(errors, "IncompleteSnapshotError", ())):
        return "its download was not finished", "fetch the model again while online"
    match cause:
        case errors.GatedRepoError():
            return (
                "the hub gives it only to people who have accepted its terms",
                "accept them on the model's page, and set HF_TOKEN",
            )
        case errors.RepositoryNotFoundError():
            return (
                "the hub has no model of that name that may be read from here",
                "check the name, and set HF_TOKEN if the model is private",
            )
        case errors.RevisionNotFoundError():
            return "the hub has no such revision of it", "check the revision"
        case errors.OfflineModeIsEnabled():
            return (
                "HF_HUB_OFFLINE is set, so the hub was not asked",
                f"{_ASK}: unset HF_HUB_OFFLINE for that",
            )
        case errors.LocalEntryNotFoundError() if local_files_only:
            return "the hub was not asked, because local_files_only is set", _ASK
        case errors.HfHubHTTPError():
            status = cause.response.status_code
            return f"the hub answered with HTTP {status}", _after(status)
        case errors.HFValidationError():
            return "the hub has no names like this", "check the path or the name"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return _REACHABLE, _ASK
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_LONGEST], _ASK


def _after(status: int) -> str:
    if status in (401, 403):
        return "check HF_TOKEN, and whether you may read the model"
    if status in (408, 429) or status >= _SERVERS_FAULT:
        return "try again later"
    return "check HF_ENDPOINT, if it is set"


def _first_cause(error: BaseException) -> BaseException:
    """The error from which the library raised this one; the hub's answer, if it is one."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    while error.__cause__ is not None and not isinstance(
        error, HfHubHTTPError | OfflineModeIsEnabled
    ):
        error = error.__cause__
    return error
