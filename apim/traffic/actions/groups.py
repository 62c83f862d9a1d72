"""The conditional groups of advanced policies, written whole: a policy's groups are replaced by those given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

from apim.errors import FieldError, Invalid
from apim.traffic.models import Condition, ConditionalGroup, Level, Policy

Groups = Sequence[dict[str, Any]]
"""Each with `conditions`, a list of dicts of CONDITION, and any of GROUP."""

GROUP = ("description", "kind", "amount", "data_unit", "unit_time", "time_unit", "sliding")
CONDITION = ("kind", "name", "value", "end", "invert")
MOST_GROUPS, MOST_CONDITIONS = 50, 20


def replace_groups(policy: Policy, groups: Groups) -> None:
    """Gives `policy` these groups and no others. Raises Invalid naming each wrong field (`groups[0].conditions[1].value`)."""
    rows = list(_rows(policy, groups))
    policy.groups.all().delete()
    for group, conditions in rows:
        group.save(force_insert=True)
        for condition in conditions:
            condition.group = group
        Condition.objects.bulk_create(conditions)


def described(policy: Policy) -> list[dict[str, Any]]:
    """The groups of `policy` in the form in which they are written."""
    return [
        {field: getattr(group, field) for field in GROUP}
        | {"conditions": [{field: getattr(one, field) for field in CONDITION} for one in group.conditions.all()]}
        for group in policy.groups.prefetch_related("conditions")
    ]


def _rows(policy: Policy, groups: Groups) -> Iterator[tuple[ConditionalGroup, list[Condition]]]:
    wrong = list(_too_many(policy, groups))
    found = []
    for place, given in enumerate(groups):
        path = f"groups[{place}]"
        fields = {name: given[name] for name in GROUP if name in given}
        group = ConditionalGroup(policy=policy, position=place, **fields)
        wrong += _mistakes(group, path, "policy")
        conditions = [
            Condition(**{name: one[name] for name in CONDITION if name in one}) for one in given["conditions"]
        ]
        if not conditions:
            wrong.append(FieldError(f"{path}.conditions", "A group needs at least one condition."))
        for number, condition in enumerate(conditions):
            wrong += _mistakes(condition, f"{path}.conditions[{number}]", "group")
        found.append((group, conditions))
    if wrong:
        raise Invalid("The conditional groups are not valid.", wrong)
    return iter(found)


def _too_many(policy: Policy, groups: Groups) -> Iterator[FieldError]:
    if groups and policy.level != Level.API:
        yield FieldError("groups", "Only API and operation policies have conditional groups.")
    if len(groups) > MOST_GROUPS:
        yield FieldError("groups", f"At most {MOST_GROUPS} groups.")
    for place, given in enumerate(groups):
        if len(given["conditions"]) > MOST_CONDITIONS:
            yield FieldError(f"groups[{place}].conditions", f"At most {MOST_CONDITIONS} conditions.")


def _mistakes(row: Model, path: str, parent: str) -> list[FieldError]:
    try:
        row.full_clean(exclude=[parent], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        return [FieldError(f"{path}.{name}", text) for name, texts in error.message_dict.items() for text in texts]
    return []
