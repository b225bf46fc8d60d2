"""Requests that fit our own schema and requests that do not: answers are as the schema says."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.long import LONG
from tests.serving.running import Running

_EXAMPLES = 300 if LONG else 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_route_keeps_to_its_schema(server: Running) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis.checks import not_a_server_error
        from schemathesis.generation import GenerationMode
        from schemathesis.specs.openapi.checks import (
            content_type_conformance,
            negative_data_rejection,
            response_schema_conformance,
            status_code_conformance,
        )

        checks = [
            not_a_server_error,
            content_type_conformance,
            negative_data_rejection,
            response_schema_conformance,
            status_code_conformance,
        ]
        schema = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
        found: list[Any] = list(schema.get_all_operations())
        operations = [each.ok() for each in found]
        assert len(operations) > 15
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.NEGATIVE and operation.method == "get":
                    continue

                @settings(
                    max_examples=_EXAMPLES,
                    deadline=None,
                    database=None,
                    derandomize=not LONG,
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def keeps(case: Any) -> None:
                    case.call_and_validate(checks=checks)

                keeps()
