"""Rate-limiting records (reference A11): policies with their conditions, deny policies, custom rules."""

from __future__ import annotations

from typing import Literal

from gateway.schema.base import Record


class Limit(Record, frozen=True, weakref=True):
    """At most `amount` of `unit` in each window of `seconds` seconds; windows follow the calendar unless `sliding`.

    `months` above 0: windows are that many calendar months (12: years), and `seconds` only says about how long that is.
    """

    amount: int
    seconds: int
    unit: Literal["requests", "bytes", "events"] = "requests"
    sliding: bool = False
    months: int = 0


class Condition(Record, frozen=True):
    """One condition of an advanced policy.

    `ip`: `value` is an address; `ip_range`: `value` to `end`; `header`, `query`, `claim`: `name` holds the name, `value` a
    regular expression. `invert` turns the answer round.
    """

    kind: Literal["ip", "ip_range", "header", "query", "claim"]
    value: str
    end: str = ""
    name: str = ""
    invert: bool = False


class ConditionalGroup(Record, frozen=True):
    """A limit for the calls that meet all `conditions`."""

    conditions: tuple[Condition, ...]
    limit: Limit
    description: str = ""


class Policy(Record, frozen=True):
    """A rate-limiting policy. `quota` None means unlimited; `burst` is the spike arrest of a subscription policy.

    Key: `{organisation}:{level}:{name}`. `api` policies serve APIs and operations (advanced policies); only they have `groups`.
    """

    organisation: str
    level: Literal["api", "application", "subscription"]
    name: str
    quota: Limit | None = None
    burst: Limit | None = None
    stop_on_quota_reach: bool = True
    groups: tuple[ConditionalGroup, ...] = ()
    graphql_max_depth: int = 0
    graphql_max_complexity: int = 0
    subscriber_count: int = 0


class Deny(Record, frozen=True):
    """A deny policy: calls that match are refused with 900805. Key: its id (uuid text).

    `value`: an API's context, an application as `owner:name`, an address, `first-last` or CIDR of a range, or a user name.
    """

    id: str
    organisation: str
    kind: Literal["api", "application", "ip", "ip_range", "user"]
    value: str
    invert: bool = False


class CustomRule(Record, frozen=True):
    """A custom rule of the platform's organisation. Key: its name.

    `key_template` joins `$resourceKey $userId $apiContext $apiVersion $appTenant $apiTenant $appId $clientIp` with `:`;
    `query` is the Siddhi text as the original has it.
    """

    name: str
    key_template: str
    query: str


class ThrottleReset(Record, frozen=True):
    """An order to forget what an application (and, when given, one user of it) used up. Key: the application's id."""

    application: str
    user: str = ""
    at: float = 0.0
