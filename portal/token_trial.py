"""Goes on where a token itself has passed: its client, the application, the subscription, and what the API asks for."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from apim.accounts.models import Organisation
from apim.keymanager.models import RESIDENT
from apim.keymanager.trial import Step, Trial
from portal.models import Application, ApplicationKey, Subscription, SubscriptionState
from publisher.models import Api, Deployment, GatewayEnvironment

MOST = 500
"""APIs that can be chosen."""

CLOSED = {SubscriptionState.BLOCKED: "is blocked", SubscriptionState.ON_HOLD: "waits for approval",
          SubscriptionState.REJECTED: "was rejected"}  # fmt: skip


def choices(organisation: Organisation) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """APIs and environments that a token may be tried against."""
    rows = Api.objects.filter(organisation=organisation).order_by("name", "version")[:MOST]
    places = GatewayEnvironment.objects.filter(organisation=organisation).order_by("name")
    return [(str(row.pk), f"{row.name} {row.version}") for row in rows], [(row.name, str(row)) for row in places]


def go_on(trial: Trial, api_id: str, environment: str) -> Iterator[Step]:
    """The steps from the client on, up to the first that fails."""
    api = _api(trial.organisation, api_id)
    key = _key(trial)
    if key is None:
        open_to_all = api is not None and not api.plans.exists()
        text = f"No application has the client {trial.client_id} at {trial.manager and trial.manager.label}."
        yield Step("Client", "info" if open_to_all else "fail", text + _hint(open_to_all))
        if not open_to_all:
            return
        yield from _api_steps(trial, api, environment)
        return
    yield Step(
        "Client", "pass", f"{trial.client_id} is the {key.get_key_type_display().lower()} client of an application."
    )
    application = key.application
    yield Step(
        "Application", "pass", f"{application.name} of {application.owner.get_username()}, limit {application.policy}."
    )
    if api is None:
        yield Step(
            "Subscription",
            "info",
            "Choose an API to see whether the application may call it.",
            _subscribed(application),
        )
        return
    step = _subscription(application, api, key.key_type)
    yield step
    if step.state != "fail":
        yield from _api_steps(trial, api, environment)


def _hint(open_to_all: bool) -> str:
    return (
        " The API has no plans, so it asks for no subscription."
        if open_to_all
        else " Generate or map it in the developer portal, at this key manager."
    )


def _api(organisation: Organisation, api_id: str) -> Api | None:
    try:
        return Api.objects.filter(organisation=organisation, pk=UUID(api_id)).first() if api_id else None
    except ValueError:
        return None


def _key(trial: Trial) -> ApplicationKey | None:
    rows = ApplicationKey.objects.filter(consumer_key=trial.client_id.replace("\0", ""), state="APPROVED")
    # Clients of the platform's own are the resident key manager's, whatever they exchange tokens of.
    mine = (
        rows.exclude(client=None)
        if trial.manager and trial.manager.name == RESIDENT
        else rows.filter(client=None, key_manager=trial.manager)
    )
    return mine.filter(application__organisation=trial.organisation).select_related("application__owner").first()


def _subscribed(application: Application) -> tuple[tuple[str, str], ...]:
    rows = application.subscriptions.select_related("api")[:50]
    return tuple((f"{row.api.name} {row.api.version}", f"{row.plan}, {row.get_state_display()}") for row in rows)


def _subscription(application: Application, api: Api, key_type: str) -> Step:
    found = Subscription.objects.filter(application=application, api=api).first()
    if found is None:
        if not api.plans.exists():
            return Step("Subscription", "pass", f"{api.name} has no plans and asks for none.")
        return Step(
            "Subscription",
            "fail",
            f"{application.name} is not subscribed to {api.name} {api.version}.",
            _subscribed(application),
        )
    state = found.state
    if state in CLOSED:
        return Step("Subscription", "fail", f"The subscription {CLOSED[SubscriptionState(state)]}.")
    if state == SubscriptionState.PROD_ONLY_BLOCKED and key_type == "PRODUCTION":
        return Step("Subscription", "fail", "The subscription is blocked for production keys.")
    return Step("Subscription", "pass", f"Subscribed under the plan {found.plan}.")


def _api_steps(trial: Trial, api: Api | None, environment: str) -> Iterator[Step]:
    if api is None:
        return
    managers, audiences = set(api.key_managers or ["all"]), set(api.audiences or [])
    if trial.manager is not None and "all" not in managers and trial.manager.name not in managers:
        yield Step("Key managers", "fail", f"{api.name} takes tokens of {', '.join(sorted(managers))} only.")
        return
    if audiences and "all" not in audiences and audiences.isdisjoint(trial.audiences):
        yield Step("API audience", "fail", f"{api.name} wants one of the audiences {', '.join(sorted(audiences))}.")
        return
    yield _scopes(trial, api)
    if environment:
        yield _deployed(api, environment)


def _scopes(trial: Trial, api: Api) -> Step:
    operations = list(api.operations.all())
    shut = [one for one in operations if one.scopes and trial.scopes.isdisjoint(one.scopes)]
    rows = tuple((str(one), f"needs {' or '.join(one.scopes)}") for one in shut[:50])
    held = ", ".join(sorted(trial.scopes)) or "none"
    text = f"Opens {len(operations) - len(shut)} of {len(operations)} operations; the token's scopes: {held}."
    return Step(
        "Scopes", "fail" if operations and len(shut) == len(operations) else ("info" if shut else "pass"), text, rows
    )


def _deployed(api: Api, environment: str) -> Step:
    there = Deployment.objects.filter(api=api, environment__name=environment).exists()
    return Step(
        "Environment",
        "pass" if there else "fail",
        f"{api.name} {'runs' if there else 'does not run'} in {environment}.",
    )
