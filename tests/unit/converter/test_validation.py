"""The error of values which can be read, but are not valid. How it fails workflows `tests.conformance` tries."""

from __future__ import annotations

from foldlog.converter import create_payload_validation_error


def test_what_the_error_says() -> None:
    violation = {"path": "amount", "reason": "must not be negative"}
    error = create_payload_validation_error(violation)
    assert (error.message, error.type) == ("Payload validation failed", "PayloadValidationError")
    assert error.non_retryable
    assert error.details == (violation,)
    assert create_payload_validation_error(None).details == ()
