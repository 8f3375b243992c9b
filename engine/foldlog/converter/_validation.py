"""The error of a value that a converter has read, and finds not to be valid."""

from __future__ import annotations

from typing import Any

from foldlog.exceptions import ApplicationError


def create_payload_validation_error(details: Any) -> ApplicationError:
    """Make the error that a converter of your own raises when a value can be read, but is not valid.

    Args:
        details: What is wrong with it, for whoever handles the error; any value that can be converted. None, and the
            error has no details.

    Returns:
        An error that is not retried. Its type is "PayloadValidationError".
    """
    said = () if details is None else (details,)
    return ApplicationError("Payload validation failed", *said, type="PayloadValidationError", non_retryable=True)
