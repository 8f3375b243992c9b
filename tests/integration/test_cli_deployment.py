"""`foldlog deployment` and `foldlog worker run --deployment`, with a worker that hosts two builds."""

from __future__ import annotations

import textwrap
import uuid
from pathlib import Path

from tests.integration.command_line import ask, run
from tests.integration.test_cli_workflow import WorkerProcess

VERSIONS = ["--deployment", "shop", "--build-id", "2", "--versioning", "pinned", "--earlier", "1=shop_one"]
CODE = """
from foldlog import workflow


@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def build(self) -> str:
        return {build!r}
"""


def test_deployments_on_the_command_line(kafka: str, tmp_path: Path) -> None:
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    for build in ("one", "two"):
        (tmp_path / f"shop_{build}.py").write_text(textwrap.dedent(CODE).replace("{build!r}", repr(build)))
    worker = WorkerProcess(kafka, namespace, tmp_path, "shop_two", *VERSIONS)
    try:
        worker.await_ready()
        show_one_that_nobody_knows(kafka, namespace)
        assert ask(kafka, namespace, "deployment", "list") == {"deployments": ["shop"]}
        changed = ask(kafka, namespace, "deployment", "set-current", "shop", "1")
        assert (changed["current_build_id"], changed["behind"], changed["partitions"]) == ("1", [], 2)
        start = ("workflow", "start", "Order", "-q", "shop", "--id")
        ask(kafka, namespace, *start, "first")
        assert ask(kafka, namespace, "workflow", "query", "first", "build") == "one"
        ramped = ask(kafka, namespace, "deployment", "set-ramping", "shop", "2", "--percentage", "100")
        assert (ramped["ramping_build_id"], ramped["ramping_percentage"]) == ("2", 100)
        ask(kafka, namespace, *start, "second")
        assert ask(kafka, namespace, "workflow", "query", "second", "build") == "two"
        found = ask(kafka, namespace, "deployment", "describe", "shop")
        assert [(each["build_id"], each["status"], each["pinned_workflows"]) for each in found["versions"]] == [
            ("1", "CURRENT", 1),
            ("2", "RAMPING", 1),
        ]
        shown = run(kafka, namespace, "deployment", "set-ramping", "shop", "--unset").stdout
        assert "2 of 2 partitions" in shown
        assert "DRAINING" in shown
        assert run(kafka, namespace, "deployment", "set-current", "shop").exit_code == 2
        assert run(kafka, namespace, "deployment", "set-ramping", "shop", "1", "--percentage", "5").exit_code == 2
        refused = run(kafka, namespace, "deployment", "set-current", "shop", "3")
        assert refused.exit_code != 0
        assert "build '3' is not hosted by partitions 0, 1" in refused.output
        assert "set --allow-missing" in refused.output
        described = run(kafka, namespace, "workflow", "describe", "first").stdout
        assert "shop.1" in described
        assert "is pinned" not in described
    finally:
        worker.stop()
    show_what_nobody_hosts(kafka, namespace, tmp_path)


def show_one_that_nobody_knows(kafka: str, namespace: str) -> None:
    for command in (("describe",), ("set-current", "--unset"), ("set-ramping", "--unset")):
        result = run(kafka, namespace, "deployment", command[0], "nosuch", *command[1:])
        assert (result.exit_code, result.stdout) == (3, "")
        assert "there is no deployment 'nosuch'" in result.stderr


def show_what_nobody_hosts(kafka: str, namespace: str, tmp_path: Path) -> None:
    """The next worker comes without the build that the first order is pinned to."""
    worker = WorkerProcess(kafka, namespace, tmp_path, "shop_two", *VERSIONS[:-2])
    try:
        worker.await_ready()
        described = run(kafka, namespace, "workflow", "describe", "first").stdout
        assert (
            "is pinned to version 'shop.1', and the worker that has its partition has the versions 'shop.2'"
            in described
        )
        assert "is pinned" not in run(kafka, namespace, "workflow", "describe", "second").stdout
        found = ask(kafka, namespace, "deployment", "describe", "shop")
        missing, own = found["versions"]
        assert (missing["build_id"], missing["pinned_workflows"], missing["hosting_partitions"]) == ("1", 1, [])
        assert (own["build_id"], own["hosting_partitions"]) == ("2", [0, 1])
        assert "0 of 2 partitions" in run(kafka, namespace, "deployment", "describe", "shop").stdout
        asked = run(kafka, namespace, "workflow", "query", "first", "build")
        assert "is pinned to version 'shop.1'" in asked.output
        listed = ask(kafka, namespace, "workflow", "list", "--stalled")
        assert [row["workflow_id"] for row in listed] == ["first"]
    finally:
        worker.stop()


def test_options_of_a_worker_that_do_not_fit_together(kafka: str) -> None:
    for options, message in (
        (["--versioning", "pinned"], "need --deployment"),
        (["--deployment", "shop"], "needs a --build-id"),
        (["--deployment", "shop", "--build-id", "2", "--earlier", "1"], "must be BUILD_ID=MODULE"),
    ):
        result = run(kafka, "unused", "worker", "run", "tests.versions:TWO", "-q", "q", *options)
        assert result.exit_code == 2
        assert message in result.output
