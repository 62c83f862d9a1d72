"""Gives the usage of monetized APIs to billing engines."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require
from publisher import hooks
from publisher.models import UsagePublication

RUNNING, COMPLETED = "RUNNING", "COMPLETED"
IN_PROGRESS, DONE, FAILED = "INPROGRESS", "SUCCESSFULL", "FAILED"
"""As clients of the contract know them, with the original's spelling."""


def publish_usage(*, by: User, organisation: Organisation) -> UsagePublication:
    """Let every registered billing engine take what was used since the last time. Raises Forbidden.

    An engine that fails makes the whole publication a failed one; the next begins where the last good one ended.
    """
    require(by, BuiltinRole.ADMIN, BuiltinRole.PUBLISHER)
    may_manage(by, organisation)
    row = _begin(organisation)
    try:
        count = hooks.publish_usage(organisation, row.published)
    except Exception:
        UsagePublication.objects.filter(pk=row.pk).update(state=COMPLETED, status=FAILED)
        raise
    with transaction.atomic():
        row.state, row.status, row.records, row.published = COMPLETED, DONE, count, row.started
        row.save()
        audit.record(by, "usage.publish", row, after={"records": count})
    return row


@transaction.atomic
def _begin(organisation: Organisation) -> UsagePublication:
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    row = UsagePublication.objects.filter(organisation=organisation).first() or UsagePublication(
        organisation=organisation
    )
    row.state, row.status, row.started = RUNNING, IN_PROGRESS, timezone.now()
    row.save()
    return row
