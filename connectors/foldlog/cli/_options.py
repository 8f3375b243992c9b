"""Options and arguments that several commands have, so that they mean the same everywhere.

How their values are written is for `_params`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from foldlog.cli._params import json_by_name, json_values, not_empty, patience, search_attributes

_F = TypeVar("_F", bound=Callable[..., Any])

workflow_id_argument = click.argument("workflow_id", metavar="WORKFLOW_ID", callback=not_empty)
run_id_option = click.option(
    "--run-id", "-r", metavar="ID", callback=not_empty, help="One run; without it the current one."
)
input_option = click.option(
    "--input", "-i", "inputs", multiple=True, metavar="JSON", callback=json_values, help="An argument; may be repeated."
)
memo_option = click.option(
    "--memo", multiple=True, metavar="NAME=JSON", callback=json_by_name, help="A note; may be repeated."
)
search_attribute_option = click.option(
    "--search-attribute",
    "attributes",
    multiple=True,
    metavar="NAME[:TYPE]=JSON",
    callback=search_attributes,
    help="A field to be found by; may be repeated.",
)


def timeout_of(what: str, default: str | None = "10s") -> Callable[[_F], _F]:
    """How long to wait for something; by default so long, or without limit."""
    return click.option(
        "--timeout",
        metavar="TIME",
        callback=patience,
        default=default,
        show_default=True if default else "without limit",
        help=f"How long to wait for {what}.",
    )


timeout_option = timeout_of("the answer")
kafka_timeout_option = timeout_of("Kafka", "30s")
