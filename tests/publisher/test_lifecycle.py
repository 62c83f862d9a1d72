"""The life cycle: the whole table, its conditions, and what each step tells gateways."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from apim.errors import ApimError, Forbidden, Invalid
from apim.eventhub.models import Current, Event
from gateway import schema
from publisher import hooks
from publisher.actions.apis import copy_api
from publisher.actions.lifecycle import (
    ACTIONS,
    DEPRECATE_OLD,
    RESUBSCRIBE,
    available_actions,
    change_state,
    checklist_of,
    obstacles,
)
from publisher.errors import BadTransition, NoPlan, NotDeployed
from publisher.models import Api, LifecycleEvent, State
from tests.publisher.make import deploy, make_api

TABLE = {
    ("CREATED", "Publish"): "PUBLISHED",
    ("CREATED", "Deploy as a Prototype"): "PROTOTYPED",
    ("PROTOTYPED", "Publish"): "PUBLISHED",
    ("PROTOTYPED", "Demote to Created"): "CREATED",
    ("PROTOTYPED", "Deploy as a Prototype"): "PROTOTYPED",
    ("PUBLISHED", "Block"): "BLOCKED",
    ("PUBLISHED", "Deploy as a Prototype"): "PROTOTYPED",
    ("PUBLISHED", "Demote to Created"): "CREATED",
    ("PUBLISHED", "Deprecate"): "DEPRECATED",
    ("PUBLISHED", "Publish"): "PUBLISHED",
    ("BLOCKED", "Deprecate"): "DEPRECATED",
    ("BLOCKED", "Re-Publish"): "PUBLISHED",
    ("DEPRECATED", "Retire"): "RETIRED",
}


def told(api) -> schema.Api | None:
    """What the gateways run of `api`."""
    row = Current.objects.filter(key=f"Default:{api.pk}").first()
    return msgspec.json.decode(row.record, type=schema.Api) if row else None


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State.values, ACTIONS)))
def test_every_step_of_the_table_and_none_else(publisher_user, state, action):
    api = make_api(publisher_user)
    if state != State.RETIRED:
        deploy(publisher_user, api)
    Api.objects.filter(pk=api.pk).update(state=state)
    api.refresh_from_db()
    target = TABLE.get((state, action))
    assert available_actions(api).get(action) == target
    if target is None:
        with pytest.raises(BadTransition):
            change_state(by=publisher_user, api=api, action=action)
        return
    assert change_state(by=publisher_user, api=api, action=action).state == target
    event = LifecycleEvent.objects.filter(api=api).first()
    assert (event.before, event.after, event.user) == (state, target, "publisher")
    record = told(api)
    assert (record is None) if target == "RETIRED" else (record.lifecycle == target)


def test_without_plan_it_is_not_published(publisher_user):
    api = make_api(publisher_user, plans=[])
    deploy(publisher_user, api)
    with pytest.raises(NoPlan) as caught:
        change_state(by=publisher_user, api=api, action="Publish")
    assert (caught.value.status, caught.value.code) == (400, 903224)
    assert change_state(by=publisher_user, api=api, action="Deploy as a Prototype").state == State.PROTOTYPED


def test_undeployed_it_is_not_published(publisher_user):
    api = make_api(publisher_user)
    with pytest.raises(NotDeployed):
        change_state(by=publisher_user, api=api, action="Publish")
    assert obstacles(api) == ["Deploy a revision to a gateway environment."]


def test_a_creator_does_not_publish(creator, publisher_user):
    api = make_api(creator)
    deploy(publisher_user, api)
    with pytest.raises(Forbidden):
        change_state(by=creator, api=api, action="Publish")


def test_publishing_may_deprecate_older_versions(publisher_user):
    first = make_api(publisher_user)
    deploy(publisher_user, first)
    change_state(by=publisher_user, api=first, action="Publish")
    second = copy_api(by=publisher_user, api=first, version="2.0.0")
    deploy(publisher_user, second)
    assert checklist_of(second) == (DEPRECATE_OLD, RESUBSCRIBE)
    change_state(by=publisher_user, api=second, action="Publish", checklist=[DEPRECATE_OLD])
    first.refresh_from_db()
    assert first.state == State.DEPRECATED
    assert told(first).lifecycle == "DEPRECATED"


def test_an_unknown_checklist_item_is_refused(publisher_user):
    api = make_api(publisher_user)
    with pytest.raises(Invalid, match="no checklist item"):
        change_state(by=publisher_user, api=api, action="Publish", checklist=["Ring the bell"])


def test_listeners_hear_each_step_and_may_stop_it(publisher_user, monkeypatch):
    heard = []

    def listener(*step):
        heard.append(step)
        if step[3] == State.BLOCKED:
            raise ApimError("not now")

    monkeypatch.setattr(hooks, "_listeners", [listener])
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    change_state(by=publisher_user, api=api, action="Publish", checklist=[RESUBSCRIBE])
    assert heard[0][2:] == ("CREATED", "PUBLISHED", frozenset({RESUBSCRIBE}))
    count = Event.objects.count()
    with pytest.raises(ApimError, match="not now"):
        change_state(by=publisher_user, api=api, action="Block")
    api.refresh_from_db()
    assert (api.state, Event.objects.count()) == (State.PUBLISHED, count)
