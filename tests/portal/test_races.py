"""Two people (or two clicks) at the same instant: the database decides, the loser is told why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from apim.accounts.models import User
from apim.errors import ApimError
from portal.actions.applications import delete_application
from portal.actions.keys import generate_keys
from portal.actions.subscriptions import change_plan, subscribe
from portal.models import Application, Subscription
from publisher.actions.lifecycle import change_state
from publisher.models import Api
from tests.portal.builders import current, make_api, make_application

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="parallel transactions need --database=postgres"),
    pytest.mark.django_db(transaction=True),
]


def together(*acts: Callable[[], object]) -> list[str]:
    """Run them at once; the outcome of each: `done`, or the name of the error."""

    def run(act: Callable[[], object]) -> str:
        try:
            act()
        except ApimError as error:
            return type(error).__name__
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def test_of_many_equal_subscriptions_one_is_made(developer: User) -> None:
    api, application = make_api(developer.organisation), make_application(developer)
    act = lambda: subscribe(by=developer, application=application, api=api, plan="Gold")  # noqa: E731
    assert together(*[act] * 4) == ["AlreadySubscribed"] * 3 + ["done"]
    assert current("subscription", application.subscriptions.get().pk)


def test_of_many_equal_keys_one_is_made(developer: User) -> None:
    application = make_application(developer)
    wanted = {"key_type": "PRODUCTION", "grant_types": ["client_credentials"]}
    act = lambda: generate_keys(by=developer, application=application, **wanted)  # noqa: E731
    assert together(*[act] * 4) == ["KeysExist"] * 3 + ["done"]


def test_a_deleted_application_leaves_nothing_behind(developer: User) -> None:
    api, application = make_api(developer.organisation), make_application(developer)
    outcome = together(
        lambda: delete_application(by=developer, application=application),
        lambda: subscribe(by=developer, application=application, api=api, plan="Gold"),
    )
    assert outcome in (["NotFound", "done"], ["done", "done"])
    assert not Application.objects.exists() and not api.subscriptions.exists()


def test_retiring_an_api_while_plans_change_never_deadlocks(developer: User, publisher_user: User) -> None:
    api = make_api(developer.organisation, state="DEPRECATED")
    rows = [
        subscribe_row(developer, api, number)  # one subscription each, so that both sides lock several rows
        for number in range(6)
    ]
    acts = [lambda row=row: change_plan(by=developer, subscription=row, plan="Bronze") for row in reversed(rows)]
    outcome = together(lambda: change_state(by=publisher_user, api=api, action="Retire"), *acts)
    assert set(outcome) <= {"done", "NotFound", "ApiNotOpen", "Conflict"} and "done" in outcome
    assert not Subscription.objects.filter(api=api).exists()


def subscribe_row(developer: User, api: Api, number: int) -> Subscription:
    """A subscription of an application of its own, told to gateways as if made long ago."""
    application = make_application(developer, name=f"App {number}")
    return Subscription.objects.create(
        organisation=developer.organisation, application=application, api=api, plan="Gold"
    )
