"""Which executor an organisation uses for which kind of request; credentials are sealed before they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.errors import ApimError, FieldError, Invalid
from apim.keymanager.vault import seal
from apim.websub import outbound
from apim.workflows.models import Credentials, Executor, Kind, Style

STEPS = {
    "CREATED": ("Publish", "Deploy as a Prototype"),
    "PROTOTYPED": ("Publish", "Demote to Created", "Deploy as a Prototype"),
    "PUBLISHED": ("Block", "Deploy as a Prototype", "Demote to Created", "Deprecate", "Publish"),
    "BLOCKED": ("Deprecate", "Re-Publish"),
    "DEPRECATED": ("Retire",),
}
"""State → the steps there are from it: those of the publisher's life cycle, which is a floor above."""
TRANSITIONS = tuple(f"{state}:{step}" for state, steps in STEPS.items() for step in steps)
KEPT: Any = object()
"""Stands for the secret that is stored: forms and clients never see it."""


@transaction.atomic
def set_executor(
    *,
    by: User,
    organisation: Organisation,
    kind: str,
    style: str,
    url: str = "",
    credentials: str = Credentials.NONE,
    username: str = "",
    secret: str = KEPT,
    token_url: str = "",
    transitions: Sequence[str] = (),
    notify: str = "",
) -> Executor:
    """Choose who decides on `kind`. Requests that wait already stay where they are.

    Raises Invalid naming the fields, Forbidden, NotFound for another organisation.
    """
    require(by)
    may_manage(by, organisation)
    row = Executor.objects.filter(organisation=organisation, kind=kind).first()
    before = values(row) if row else None
    row = row or Executor(organisation=organisation, kind=kind)
    row.style, row.url, row.credentials, row.username = style, url.strip(), credentials, username
    row.token_url, row.transitions, row.notify = token_url.strip(), list(transitions), notify.strip()
    if secret is not KEPT and secret:
        row.secret = seal(secret)
    if row.credentials == Credentials.NONE:
        row.username = row.secret = row.token_url = ""
    _check(row)
    row.save()
    audit.record(by, "workflow.set_executor", row, before=before, after=values(row))
    return row


@transaction.atomic
def delete_executor(*, by: User, executor: Executor) -> None:
    """Decide on its kind at once from now on. Requests that wait go on waiting."""
    require(by)
    may_manage(by, executor.organisation)
    audit.record(by, "workflow.delete_executor", executor, before=values(executor))
    executor.delete()


def values(row: Executor) -> dict[str, Any]:
    """What the audit trail keeps; never the secret."""
    names = ("kind", "style", "url", "credentials", "username", "token_url", "transitions", "notify")
    return {name: getattr(row, name) for name in names}


def _check(row: Executor) -> None:
    wrong = [
        *_choices(row),
        *(_service(row) if row.style == Style.HTTP else ()),
        *_mails(row.notify),
        *(
            # One that never comes would let every step pass unasked.
            FieldError("transitions", f"{str(one)[:80]!r} is not one of {', '.join(TRANSITIONS)}")
            for one in row.transitions
            if one not in TRANSITIONS
        ),
    ]
    if row.transitions and row.kind not in (Kind.API_STATE, Kind.API_PRODUCT_STATE):
        wrong.append(FieldError("transitions", "only state changes have transitions"))
    if wrong:
        raise Invalid("The executor is not valid.", wrong)


def _choices(row: Executor) -> list[FieldError]:
    allowed = {"kind": Kind, "style": Style, "credentials": Credentials}
    return [
        FieldError(name, f"{getattr(row, name)!r} is not one of: {', '.join(choices.values)}")
        for name, choices in allowed.items()
        if getattr(row, name) not in choices.values
    ]


def _service(row: Executor) -> list[FieldError]:
    wrong = [] if row.url else [FieldError("url", "is required")]
    addresses = {"url": row.url, "token_url": row.token_url if row.credentials == Credentials.OAUTH else ""}
    if row.credentials == Credentials.OAUTH and not row.token_url:
        wrong.append(FieldError("token_url", "is required"))
    for name, address in addresses.items():
        try:
            outbound.check(address or "https://localhost")
        except ApimError:
            wrong.append(FieldError(name, f"{address[:200]!r} is not of the form https://host/path"))
    if row.credentials != Credentials.NONE and not (row.username and row.secret):
        wrong.append(FieldError("username", "give a user name and a secret"))
    return wrong


def _mails(text: str) -> list[FieldError]:
    wrong = []
    for address in filter(None, (part.strip() for part in text.split(","))):
        try:
            validate_email(address)
        except ValidationError:
            wrong.append(FieldError("notify", f"{address!r} is not a mail address"))
    return wrong
