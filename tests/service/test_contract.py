"""The service keeps to its OpenAPI description, whatever it is sent."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from serving import CLASSES, mask

from service.openapi import DESCRIPTION

EXAMPLES = 60
"""Requests of each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]

schemathesis.openapi.media_type("image/png", st.sampled_from([mask(letter) for letter in CLASSES]) | st.binary())
description = schemathesis.openapi.from_dict(DESCRIPTION)


@description.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_answers_as_described(case, host):
    case.call_and_validate(base_url=f"http://{host}", checks=CHECKS)
