"""Versions in the engine: what a partition takes of a change, what aborting leaves, and what a run without them has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from foldlog.core.engine import Engine
from foldlog.core.outcome import Outcome
from foldlog.core.versioning import Versions, build_of, check_deployment, share_of
from foldlog.schemas import command, log, reply
from foldlog.schemas.common import ContinueInitiator, Deployment, ReplyTo, WorkflowOptions
from msgspec.structs import replace

from .harness import VersionedScripts, World

REPLY = ReplyTo(client_id="c", partition=0, correlation_id=1)


def world(*hosted: str) -> World:
    return World(factory=VersionedScripts(*hosted))


def deployment(revision: int, build_id: str, change_id: str = "c", **fields: Any) -> Deployment:
    return Deployment(deployment_name="d", revision=revision, change_id=change_id, current_build_id=build_id, **fields)


def change(here: World, wanted: Deployment, *, abort: bool = False) -> Outcome:
    def step(engine: Engine, outcome: Outcome) -> None:
        engine.handle("any key", command.SetDeployment(deployment=wanted, reply_to=REPLY), outcome)

    return here.do(step, abort=abort)


def known(outcome: Outcome) -> list[tuple[int, str]]:
    answer = outcome.replies[-1][1]
    assert isinstance(answer, reply.Deployments)
    return [(each.revision, each.current_build_id) for each in answer.deployments]


def start(here: World, id: str, kind: int = 1, **fields: Any) -> WorkflowOptions | None:
    here.handle(id, command.StartWorkflow(workflow_type=f"type-{kind}", task_queue="q", **fields))
    session = here.sessions.current(id)
    assert session is not None
    options: WorkflowOptions | None = session.run.started.options
    return options


def test_the_greater_change_wins_in_whichever_order_they_come() -> None:
    changes = [deployment(1, "1"), deployment(3, "2", "a"), deployment(3, "3", "b"), deployment(2, "4")]
    for order in (changes, changes[::-1]):
        here = world("d.1")
        for wanted in order:
            change(here, wanted)
        assert known(change(here, changes[0])) == [(3, "3")]
        records = [entry for entry in here.sessions.log if isinstance(entry.record, log.DeploymentChanged)]
        assert records[-1].record.deployment.current_build_id == "3"


def test_a_repeated_change_leaves_no_record() -> None:
    here = world("d.1")
    assert len(change(here, deployment(1, "1")).log) == 1
    again = change(here, deployment(1, "1"))
    assert (again.log, known(again)) == ([], [(1, "1")])


def test_an_aborted_change_did_not_happen() -> None:
    here = world("d.1", "d.2")
    change(here, deployment(1, "1"))
    assert known(change(here, deployment(2, "2"), abort=True)) == [(2, "2")]
    assert known(change(here, deployment(0, "0"))) == [(1, "1")]
    options = start(here, "a")
    assert options is not None
    assert options.deployment_version == "d.1"


def test_a_change_that_cannot_be_is_refused() -> None:
    here = world("d.1")
    outcome = change(here, deployment(1, "1", ramping_build_id="2", ramping_percentage=120.0))
    answer = outcome.replies[-1][1]
    assert isinstance(answer, reply.Rejected)
    assert (answer.code, outcome.log) == ("INVALID_ARGUMENT", [])


@pytest.mark.parametrize(
    "wanted",
    [
        Deployment(deployment_name="", revision=1, change_id="c"),
        Deployment(deployment_name="a.b", revision=1, change_id="c"),
        deployment(1, "x" * 300),
        deployment(1, "1", ramping_percentage=5.0),
        deployment(1, "1", ramping_build_id="1", ramping_percentage=5.0),
    ],
)
def test_deployments_that_cannot_be(wanted: Deployment) -> None:
    with pytest.raises(ValueError, match=r"deployment|build|ramp"):
        check_deployment(wanted)


def test_a_run_without_versions_has_no_options_and_no_more_records() -> None:
    plain, versioned = World(), world("d.1")
    assert start(plain, "a") is None
    assert start(versioned, "a") is not None
    count = [len(here.sessions.log) for here in (plain, versioned)]
    assert count[0] == count[1], "versioning is in the first event, not in one of its own"


def test_a_run_is_rebuilt_on_the_version_that_its_deployment_moves_to_and_a_pinned_one_is_not() -> None:
    here = world("d.1", "d.2")
    factory = here.factory
    assert isinstance(factory, VersionedScripts)
    for id, kind in (("moving", 0), ("pinned", 1)):
        start(here, id, kind)
    change(here, deployment(1, "2"))
    assert factory.made == ["d.1", "d.1"]
    for id in ("moving", "pinned"):
        here.handle(id, command.SignalWorkflow(signal_name="s", args=[]))
    assert factory.made == ["d.1", "d.1", "d.2"]


def test_what_is_not_hosted_stalls_for_long_and_says_so() -> None:
    here = world("d.1")
    start(here, "a", options=WorkflowOptions(versioning_behavior="PINNED", deployment_version="d.9"))
    session = here.sessions.current("a")
    assert session is not None
    stalled = session.run.stalled
    assert stalled is not None
    assert "pinned to version 'd.9'" in stalled.error
    assert stalled.retry_ms - here.now_ms == 3_600_000


FREE = WorkflowOptions(versioning_behavior="PINNED", deployment_version="d.1")
GIVEN = replace(FREE, version_given=True)
OVERRIDDEN = replace(GIVEN, version_overridden=True)
MOVING = WorkflowOptions(versioning_behavior="AUTO_UPGRADE", version_given=True, version_overridden=True)


@pytest.mark.parametrize(
    ("before", "kind", "initiator", "options", "expected"),
    [
        (FREE, 1, "RETRY", {}, "d.2"),
        (GIVEN, 1, "RETRY", {}, "d.1"),
        (OVERRIDDEN, 1, "RETRY", {}, "d.1"),
        (MOVING, 1, "RETRY", {}, "d.2"),
        (FREE, 1, "CRON", {}, "d.2"),
        (GIVEN, 1, "CRON", {}, "d.2"),
        (OVERRIDDEN, 1, "CRON", {}, "d.1"),
        (FREE, 1, "WORKFLOW", {}, "d.1"),
        (FREE, 0, "WORKFLOW", {}, ""),
        (OVERRIDDEN, 0, "WORKFLOW", {"upgrade": True}, "d.1"),
        (GIVEN, 1, "WORKFLOW", {"upgrade": True}, "d.2"),
        (MOVING, 1, "WORKFLOW", {}, "d.2"),
    ],
)
def test_which_version_a_run_is_on_that_follows(
    before: WorkflowOptions, kind: int, initiator: ContinueInitiator, options: dict[str, Any], expected: str
) -> None:
    """Temporal's rules. The two versions have a workflow that is pinned (1), and one that moves (0)."""
    here = world("d.2", "d.1")
    start(here, "a")
    session = here.sessions.current("a")
    assert session is not None
    versions = Versions(here.factory, [deployment(3, "2")])
    found = versions.of_following(session.run, f"type-{kind}", before, initiator, **options)
    assert found is not None
    assert (found.deployment_version, found.versioning_behavior) == (expected, "PINNED" if expected else "AUTO_UPGRADE")
    if expected == "d.2":
        assert (found.version_given, found.version_overridden) == (False, False)


@pytest.mark.parametrize(("upgrade", "expected"), [(False, "d.1"), (True, "")])
def test_a_run_that_its_code_has_pinned_stays_so_in_the_next_one_though_its_type_moves(
    upgrade: bool, expected: str
) -> None:
    """As a dynamic workflow's config does it."""
    here = world("d.2", "d.1")
    change(here, deployment(1, "1"))
    assert start(here, "a", kind=0) == WorkflowOptions(versioning_behavior="AUTO_UPGRADE")
    session = here.sessions.current("a")
    assert session is not None
    versions = Versions(here.factory, [deployment(3, "2")])
    found = versions.of_following(session.run, "type-0", FREE, "WORKFLOW", upgrade=upgrade)
    assert found is not None
    assert (found.deployment_version, found.versioning_behavior) == (expected, "PINNED" if expected else "AUTO_UPGRADE")


def test_a_change_that_a_run_has_declined_by_going_on_is_told_to_none_after_it() -> None:
    here = world("d.2", "d.1")
    start(here, "a", options=FREE)
    session = here.sessions.current("a")
    assert session is not None
    run = session.run

    def changed(options: WorkflowOptions, *known: Deployment) -> bool:
        run.started.options = options
        return Versions(here.factory, known).target_changed(run)

    assert changed(FREE, deployment(3, "2"))
    assert not changed(FREE)
    assert not changed(FREE, deployment(3, ""))
    assert not changed(FREE, deployment(3, "1"))
    assert not changed(OVERRIDDEN, deployment(3, "2"))
    assert not changed(MOVING, deployment(3, "2"))
    assert changed(FREE, deployment(3, "1", ramping_build_id="2", ramping_percentage=100.0))
    run.started.options = FREE
    following = Versions(here.factory, [deployment(3, "2")]).of_following(run, "type-1", FREE, "WORKFLOW")
    assert following == replace(GIVEN, declined_revision=3)
    assert following is not None
    assert not changed(following, deployment(3, "2"))
    assert changed(following, deployment(4, "2"))
    again = Versions(here.factory, [deployment(3, "2")]).of_following(run, "type-1", following, "WORKFLOW")
    assert again == following, "it stays declined"


def shares() -> Iterator[float]:
    return (share_of(f"order-{number}") for number in range(5_000))


def test_a_ramp_takes_an_even_share_and_grows() -> None:
    found = list(shares())
    assert all(0 <= share < 1 for share in found)
    for percentage in (1, 10, 50, 90):
        taken = sum(share < percentage / 100 for share in found) / len(found)
        assert abs(taken - percentage / 100) < 0.02
    small, large = (deployment(1, "1", ramping_build_id="2", ramping_percentage=p) for p in (10.0, 30.0))
    ids = [f"w{number}" for number in range(500)]
    assert {id for id in ids if build_of(small, id) == "2"} < {id for id in ids if build_of(large, id) == "2"}
    assert {build_of(deployment(1, "1", ramping_build_id="2", ramping_percentage=100.0), id) for id in ids} == {"2"}
    assert build_of(None, "w") == ""
