"""Puts revisions on gateway environments and takes them off; the gateways are told in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Forbidden, Invalid
from publisher import records, vhosts
from publisher.actions.access import DEPLOYERS, locked
from publisher.checks.basics import shown
from publisher.errors import NoEndpoint
from publisher.models import Api, Deployment, GatewayEnvironment, Revision, State


@transaction.atomic
def deploy_revision(
    *,
    by: User,
    revision: Revision,
    environments: Iterable[GatewayEnvironment | str],
    vhost: str = vhosts.ANY,
    displayed: bool = True,
) -> list[Deployment]:
    """Run `revision` in `environments` (rows or names), in place of what ran there, on the virtual host `vhost` of each.

    Raises Invalid for an unknown environment or host, NoEndpoint when the revision has none, Conflict when retired.
    """
    api = locked(by, revision.api, *DEPLOYERS)
    if api.state == State.RETIRED:
        raise Conflict(f"{api} is retired and cannot be deployed any more.")
    _require_backends(revision)
    deployments = []
    for environment in _resolve(api, environments):
        _require_open(by, environment)
        _require_host(environment, vhost)
        deployment, _ = Deployment.objects.update_or_create(
            api=api, environment=environment, defaults={"revision": revision, "vhost": vhost, "displayed": displayed}
        )
        deployment.api = api
        records.announce(deployment)
        deployments.append(deployment)
    names = [deployment.environment.name for deployment in deployments]
    audit.record(by, "revision.deploy", revision, after={"environments": names}, organisation=api.organisation)
    return deployments


@transaction.atomic
def undeploy_revision(
    *, by: User, revision: Revision, environments: Iterable[GatewayEnvironment | str] | None = None
) -> list[Deployment]:
    """Take `revision` off `environments` (rows or names; None: off all). Returns what still runs it."""
    api = locked(by, revision.api, *DEPLOYERS)
    running = revision.deployments.select_related("environment")
    chosen = None if environments is None else _resolve(api, environments)
    if chosen is not None:
        running = running.filter(environment__in=chosen)
    names = []
    for deployment in running:
        names.append(deployment.environment.name)
        records.withdraw(api, deployment.environment)
        deployment.delete()
    audit.record(by, "revision.undeploy", revision, before={"environments": names}, organisation=api.organisation)
    return list(revision.deployments.select_related("environment"))


def _require_backends(revision: Revision) -> None:
    parts = revision.snapshot.get("sources", {}).values() or [revision.snapshot | {"name": "", "version": ""}]
    for part in parts:
        if not part["endpoints"] and revision.api.kind != "WEBSUB":
            whose = f" of {part['name']} {part['version']}" if part["name"] else ""
            raise NoEndpoint(
                f"{revision} has neither a production nor a sandbox endpoint{whose}. Set one and create a new revision."
            )


def _require_open(by: User, environment: GatewayEnvironment) -> None:
    if not environment.open_to(by):
        raise Forbidden(f"{environment.name} is not open to the roles of {by.get_username()}.")


def _require_host(environment: GatewayEnvironment, vhost: str) -> None:
    allowed = dict.fromkeys([vhosts.ANY, *(one.host for one in vhosts.virtual_hosts(environment))])
    if not isinstance(vhost, str) or vhost not in allowed:
        message = f"{shown(vhost)} is not a virtual host of {environment.name}; it has {', '.join(allowed)}."
        raise Invalid(f"vhost: {message}", [FieldError("vhost", message)])


def _resolve(api: Api, environments: Iterable[GatewayEnvironment | str]) -> list[GatewayEnvironment]:
    known = {row.name: row for row in GatewayEnvironment.objects.filter(organisation=api.organisation)}
    found = []
    for position, wanted in enumerate(environments):
        name = wanted.name if isinstance(wanted, GatewayEnvironment) else wanted
        if not isinstance(name, str) or name not in known:
            message = f"{name!r} is not one of {', '.join(known)}."
            raise Invalid(f"environment {message}", [FieldError(f"[{position}].name", message)])
        found.append(known[name])
    if not found:
        raise Invalid("Name at least one gateway environment.", [FieldError("name", "Must not be empty.")])
    return found


@transaction.atomic
def set_displayed(*, by: User, deployment: Deployment, displayed: bool) -> Deployment:
    """Show or hide the environment of `deployment` in the portal."""
    api = locked(by, deployment.api, *DEPLOYERS)
    if not isinstance(displayed, bool):
        message = f"{displayed!r} is neither true nor false."
        raise Invalid(message, [FieldError("displayOnDevportal", message)])
    before, deployment.displayed = deployment.displayed, displayed
    # `deployed` stays: nothing new runs.
    Deployment.objects.filter(pk=deployment.pk).update(displayed=displayed)
    audit.record(
        by,
        "deployment.display",
        deployment,
        before={"displayed": before},
        after={"displayed": displayed},
        organisation=api.organisation,
    )
    return deployment
