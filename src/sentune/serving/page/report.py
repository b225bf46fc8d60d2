"""The report that a tuning left in the model's folder."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from sentune.errors import ArgumentError
from sentune.serving.page.headers import REPORT_HEADERS
from sentune.serving.plan import Plan
from sentune.serving.problems import RefusedError

__all__ = ["REPORT", "report_of", "report_response"]

REPORT = "/report.html"


def report_of(plan: Plan) -> Path | None:
    """The file, if the model is a folder that has one."""
    file = Path(plan.model) / "report.html"
    return file if file.is_file() else None


def report_response(plan: Plan) -> Response:
    """The report. Raises RefusedError: there is none."""
    file = report_of(plan)
    try:
        content = None if file is None else file.read_bytes()
    except OSError:
        content = None
    if content is None:
        raise RefusedError(
            404,
            ArgumentError(
                "a model without a report",
                expected="a folder that `sentune tune` wrote, with report.html",
                fix="serve a tuned model, or write the report: sentune evaluate --report",
            ),
        )
    return Response(content, 200, REPORT_HEADERS, "text/html")
