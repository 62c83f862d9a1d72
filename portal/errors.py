"""The mistakes a developer can make in the portal, each with the sentence that says what is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from apim.errors import Conflict, FieldError, Forbidden, Invalid


class UnknownPolicy(Invalid):
    """A limit or plan that is not offered here; names the value and what is."""

    def __init__(self, field: str, value: str, offered: Iterable[str]) -> None:
        choices = ", ".join(offered) or "nothing"
        super().__init__(f"{value!r} is not offered here.", [FieldError(field, f"{value!r} is not one of: {choices}")])


class AlreadySubscribed(Conflict):
    """The application is subscribed to this API already."""

    def __init__(self, application: object, api: object) -> None:
        super().__init__(f"Application {application} is subscribed to {api} already: change its plan instead.")


class NotSubscribable(Forbidden):
    """The API is shown, but takes no new subscriptions in its state (reference A2)."""

    def __init__(self, api: object, state: str) -> None:
        super().__init__(f"{api} is {state.lower()} and takes no new subscriptions.")


class KeysExist(Conflict):
    """One key per application, key manager and key type."""

    def __init__(self, application: object, key_type: str) -> None:
        super().__init__(f"Application {application} has {key_type.lower()} keys already: delete them first.")


class NotAvailable(Forbidden):
    """The API is shown to people of other organisations, whose applications may not subscribe to it (reference A18)."""

    def __init__(self, api: object, domain: str) -> None:
        super().__init__(f"{api} takes no subscriptions from {domain}.")


class NotApproved(Conflict):
    """The application waits for an administrator, or was rejected."""

    code, message = 900975, "Application not approved"

    def __init__(self, application: object, status: str) -> None:
        super().__init__(f"Application {application} is not open for this: {status.lower()}.")
