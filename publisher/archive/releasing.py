"""The end of an import: a revision where the archive says it runs, and the state of the life cycle that it names."""

from __future__ import annotations

from collections import deque
from typing import Any

from apim.accounts.models import User
from publisher.actions.lifecycle import TRANSITIONS, change_state
from publisher.actions.revisions import create_revision, delete_revision, deploy_revision, undeploy_revision
from publisher.archive import params, texts
from publisher.archive.params import Params
from publisher.archive.texts import within, word
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import shown
from publisher.errors import BadTransition, NoPlan, NotDeployed
from publisher.models import MAX_REVISIONS, Api, Revision, State
from publisher.products import PRODUCT

DEPLOYMENTS = texts.names("deployment_environments")
DESCRIPTION = "Imported"


def release(*, by: User, api: Api, tree: Tree, data: dict[str, Any], chosen: Params, rotate: bool) -> list[str]:
    """Deploy and bring to its state. Returns what could not be done for reasons that are no mistake, in words.

    Raises Invalid naming file and field for environments and states that are not known, TooManyRevisions without `rotate`.
    """
    places, file = _places(tree, chosen)
    if places:
        _deploy(by, api, places, file, rotate)
    extras = data.get(texts.EXTRAS)
    if isinstance(extras, dict) and extras.get("state") == "left out":
        return []
    return _enter(by, api, data)


def _places(tree: Tree, chosen: Params) -> tuple[list[dict[str, Any]], str]:
    given = params.deployments(chosen)
    if given is not None:
        for number, one in enumerate(given):
            if not isinstance(one, dict):
                raise bad(chosen.file, f"{shown(one)} is not an object.", f"deploymentEnvironments[{number}]")
        return given, chosen.file
    path = tree.first(*DEPLOYMENTS)
    return (texts.rows(tree, path, "deployment_environments"), path) if path else ([], "")


def _deploy(by: User, api: Api, places: list[dict[str, Any]], file: str, rotate: bool) -> None:
    if rotate and api.revisions.count() >= MAX_REVISIONS:
        _drop(by, api.revisions.select_related("api__organisation").order_by("number")[0])
    revision = create_revision(by=by, api=api, description=DESCRIPTION)
    for number, one in enumerate(places):
        place = f"data[{number}]"
        name = word(one, "deploymentEnvironment", file, place, str(one.get("name") or "") or None)
        displayed = one.get("displayOnDevportal", True)
        with within(file, place, _contract):
            deploy_revision(
                by=by,
                revision=revision,
                environments=[name],
                vhost=word(one, "deploymentVhost", file, place, "localhost"),
                displayed=displayed if isinstance(displayed, bool) else str(displayed).lower() != "false",
            )


def _contract(field: str) -> str:
    return {"vhost": "deploymentVhost", "[0].name": "deploymentEnvironment"}.get(field, field)


def _drop(by: User, oldest: Revision) -> None:
    if oldest.deployments.exists():
        undeploy_revision(by=by, revision=oldest)
    delete_revision(by=by, revision=oldest)


def _enter(by: User, api: Api, data: dict[str, Any]) -> list[str]:
    wanted = data.get("lifeCycleStatus") or data.get("state") or data.get("status")
    if wanted is None:
        return []
    if not isinstance(wanted, str) or wanted.upper() not in State.values:
        name = "lifeCycleStatus" if data.get("lifeCycleStatus") else "state"
        file = "api_product.yaml" if api.kind == PRODUCT else "api.yaml"
        raise bad(file, f"{shown(wanted)} is not one of {', '.join(State.values)}.", f"data.{name}")
    api = Api.objects.select_related("organisation", "provider").get(pk=api.pk)
    steps = path(api.state, wanted.upper())
    if steps is None:
        return [f"It stays {api.state}: from there no way leads to {wanted.upper()}."]
    for action in steps:
        try:
            api = change_state(by=by, api=api, action=action)
        except (NoPlan, NotDeployed, BadTransition) as error:
            return [f"It stays {api.state} instead of {wanted.upper()}: {error.description}"]
    if api.state != wanted.upper():
        return [f"It is {api.state}; {wanted.upper()} waits for approval."]
    return []


def path(before: str, after: str) -> list[str] | None:
    """The shortest way through the life cycle, as actions; None when there is none."""
    waiting: deque[tuple[str, list[str]]] = deque([(before, [])])
    seen = {before}
    while waiting:
        state, steps = waiting.popleft()
        if state == after:
            return steps
        for action, target in TRANSITIONS[state].items():
            if str(target) not in seen:
                seen.add(str(target))
                waiting.append((str(target), [*steps, action]))
    return None
