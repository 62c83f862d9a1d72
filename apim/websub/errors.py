"""Mistakes of subscribers and publishers, in the form that gateways pass on."""

from __future__ import annotations

from apim.errors import ApimError, Invalid, NotFound


class BadCallback(Invalid):
    """The callback is no address that the hub may call."""


class UnknownTopic(NotFound):
    """The API has no such topic, or does not run in that environment."""


class TooMany(ApimError):
    """The plan allows no more subscriptions."""

    status, code, message = 429, 900808, "Message throttled out"
