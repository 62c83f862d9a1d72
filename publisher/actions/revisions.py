"""Revisions of an API: create, restore, delete; deploying them is in `deployments`, offered here as well."""

from __future__ import annotations

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import NotFound
from publisher import snapshots
from publisher.actions.access import DESIGNERS, locked
from publisher.actions.apis import keep_known, update_api
from publisher.actions.deployments import deploy_revision, undeploy_revision
from publisher.checks import Problems
from publisher.checks.basics import text
from publisher.checks.design import CHECKS
from publisher.errors import RevisionDeployed, TooManyRevisions
from publisher.models import MAX_REVISIONS, Api, Revision

__all__ = ["create_revision", "delete_revision", "deploy_revision", "restore_revision", "undeploy_revision"]


@transaction.atomic
def create_revision(*, by: User, api: Api, description: str = "") -> Revision:
    """Freeze the API's design under the next number, which is never given out again.

    Raises TooManyRevisions when there are five already.
    """
    api = locked(by, api, *DESIGNERS)
    problems = Problems()
    description = text(problems, "description", description, most=250)
    problems.raise_any()
    if api.revisions.count() >= MAX_REVISIONS:
        raise TooManyRevisions(
            f"{api} has {MAX_REVISIONS} revisions, which is the most. Delete one that is not deployed."
        )
    api.last_revision += 1
    # `updated` stays: the design did not change.
    Api.objects.filter(pk=api.pk).update(last_revision=api.last_revision)
    revision = Revision.objects.create(
        api=api,
        number=api.last_revision,
        description=description,
        snapshot=snapshots.take(api),
        created_by=by.get_username(),
    )
    audit.record(by, "revision.create", revision, after={"number": revision.number}, organisation=api.organisation)
    return revision


@transaction.atomic
def restore_revision(*, by: User, revision: Revision) -> Api:
    """Bring the API's design back to `revision`. Plans and limits deleted since then stay away."""
    api = locked(by, revision.api, *DESIGNERS)
    design = keep_known(api.organisation, revision.snapshot)
    changes = {name: value for name, value in design.items() if name in CHECKS}
    api = update_api(by=by, api=api, **changes)
    audit.record(by, "revision.restore", revision, after={"number": revision.number}, organisation=api.organisation)
    return api


@transaction.atomic
def delete_revision(*, by: User, revision: Revision) -> None:
    """Delete `revision`. Raises RevisionDeployed while it runs somewhere."""
    api = locked(by, revision.api, *DESIGNERS)
    fresh = Revision.objects.filter(pk=revision.pk).first()
    if fresh is None:
        raise NotFound(f"There is no {revision} any more.")
    places = list(fresh.deployments.values_list("environment__name", flat=True))
    if places:
        raise RevisionDeployed(f"{fresh} runs in {', '.join(places)}. Undeploy it first.")
    audit.record(by, "revision.delete", fresh, before={"number": fresh.number}, organisation=api.organisation)
    fresh.delete()
