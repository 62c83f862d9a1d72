"""What an organisation's token service allows: which grants are on, which scopes need no check, what a refresh revokes."""

from __future__ import annotations

from functools import lru_cache

import re2

from apim.accounts.models import Organisation
from apim.keymanager.grant_models import TokenPolicy
from apim.keymanager.grants import GRANTS, ON_BY_DEFAULT

MOST_PATTERNS = 100
LONGEST_PATTERN = 200


def policy_of(organisation: Organisation) -> TokenPolicy:
    """The organisation's policy, or the defaults. No query when the organisation was read together with its policy."""
    try:
        return organisation.token_policy
    except TokenPolicy.DoesNotExist:
        return TokenPolicy(organisation=organisation)


def is_on(grant: str, organisation: Organisation) -> bool:
    """Whether the organisation's administrator lets clients use `grant`."""
    return grant in policy_of(organisation).grants


def grants_on() -> list[str]:
    """Grants that some organisation has: the metadata are one document for all."""
    rows = list(TokenPolicy.objects.values_list("grants", flat=True))
    if len(rows) < Organisation.objects.count():
        rows.append(list(ON_BY_DEFAULT))
    return [grant for grant in GRANTS if any(grant in row for row in rows)]


def freely_given(scope: str, organisation: Organisation) -> bool:
    """Whether the whole of `scope` fits a pattern of the organisation's allow-list: nobody has to have a right to it then."""
    return any(pattern.fullmatch(scope) for pattern in _compiled(tuple(policy_of(organisation).scope_allow_list)))


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern of the allow-list; empty when it will do."""
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    try:
        re2.compile(pattern)
    except re2.error as error:
        return f"is no RE2 pattern: {error}"
    return ""


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> list[re2._Regexp]:
    return [re2.compile(pattern) for pattern in patterns if not pattern_problem(pattern)]
