"""The pages of traces on a real integrator: list, flow, step, rules and trying; who may, and what is noted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apim.accounts.models import AuditRow, User
from integrator.actions import nodes
from integrator.models import Integrator
from tests.integrator.traces.live import Live, live

PLACE = "/integrator/traces/"
ORDER = json.dumps({"sku": "CHAIR-1", "password": "sesame-sesame"}).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One integrator for the module."""
    with live(tmp_path_factory.mktemp("traces")) as made:
        yield made


@pytest.fixture(autouse=True)
def _inner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's integrator is on this machine."""
    monkeypatch.setattr(settings.APIM, "integrator_networks", "127.0.0.0/8, ::1/128")


@pytest.fixture
def boss(make_user: Callable[..., User], organisation: Any) -> User:
    """An administrator of the platform."""
    return make_user(organisation, "admin", is_staff=True)


@pytest.fixture
def row(boss: User, running: Live) -> Integrator:
    """The running integrator, registered, with no traces."""
    running.do(lambda world: world.manage("/traces", "DELETE"))
    given = Integrator(name="north", url=running.url, username="ann", certificate=running.certificate)
    return nodes.save_integrator(by=boss, row=given, password="right-password")


@pytest.fixture
def web(boss: User) -> Client:
    """The administrator's browser."""
    made = Client(headers={"Accept": "text/html"})
    made.force_login(boss)
    return made


def told(answer: Any) -> str:
    """A page as text."""
    return str(answer.content.decode())


def newest(running: Live) -> str:
    """Id of the newest trace."""
    found: str = running.do(lambda world: world.traces())[0]["id"]
    return found


def test_a_trace_from_the_list_to_a_step(running: Live, row: Integrator, web: Client) -> None:
    assert "Waiting for messages" in told(web.get(PLACE))
    running.do(lambda world: world.call("/orders/1?q=a", ORDER))
    listed = told(web.get(PLACE))
    place = f"{PLACE}{row.pk}/{newest(running)}/"
    assert place in listed and "/orders/1?q=a" in listed and "api:orders" in listed
    flow = told(web.get(place))
    for text in ("checkOrder", "Answered 200", "payloadFactory", 'class="flow-bar"', "POST 200", "the item"):
        assert text in flow, text
    assert "<script>alert" not in flow
    numbers = [part.split('"')[0] for part in flow.split('data-step="')[1:]]
    parts = [told(web.get(f"{place}?step={number}&part=1")) for number in numbers]
    factory = next(part for part in parts if "&lt;payloadFactory&gt;" in part and "quantity" in part)
    assert '<ins>  "<b>quantity' in factory.replace("&quot;", '"') or "quantity" in factory
    assert "&lt;script&gt;" in factory and "<script>" not in factory
    call = next(part for part in parts if "Called" in part)
    assert "/b</span>" in call and "to the head of the answer" in call
    assert "sesame" not in "".join(parts) + flow
    assert "This step changed nothing" in "".join(parts)


def test_a_failure_opens_at_its_step(running: Live, row: Integrator, web: Client) -> None:
    running.do(lambda world: world.call("/broken/1"))
    page = told(web.get(f"{PLACE}{row.pk}/{newest(running)}/"))
    assert "api broken → /* inSequence → filter → then → call" in page
    assert "flow-fault" in page and "/* faultSequence" in page
    assert "(101503)" in page and "no answer" in page
    assert told(web.get(f"{PLACE}?outcome=failed&status=2xx")).count("<tr data-href") == 1
    assert "No trace matches" in told(web.get(f"{PLACE}?search=nothing-like-it"))


def test_copies_are_folded(running: Live, row: Integrator, web: Client) -> None:
    body = json.dumps({"items": [{"n": n} for n in range(10)]}).encode()
    running.do(lambda world: world.call("/many/1", body))
    page = told(web.get(f"{PLACE}{row.pk}/{newest(running)}/"))
    assert page.count(">copy ") == 10
    assert page.count('<details class="flow-branch tone-ok">') >= 10


def test_rules(running: Live, row: Integrator, web: Client) -> None:
    place = f"{PLACE}{row.pk}/rules/"
    wrong = told(web.post(place, {"kind": "api", "minutes": "10"}))
    assert "Give kind and name together." in wrong
    assert "Say which messages" in told(web.post(place, {"minutes": "10"}))
    good = {"kind": "api", "name": "quiet", "faults": "", "rate": "100", "minutes": "5"}
    page = told(web.post(place, good, follow=True))
    assert "api:quiet" in page and "Stop" in page
    running.do(lambda world: world.call("/quiet/1"))
    assert "/quiet/1" in told(web.get(PLACE))
    (rule,) = [
        one
        for one in running.do(lambda world: world.manage("/traces/rules"))[1]["list"]
        if one["origin"] == "management"
    ]
    assert "removed" in told(web.post(f"{place}{rule['id']}/remove/", follow=True))
    running.do(lambda world: world.call("/quiet/2"))
    assert "/quiet/2" not in told(web.get(PLACE))
    assert "forgotten" in told(web.post(f"{PLACE}{row.pk}/clear/", follow=True))
    assert "/quiet/1" not in told(web.get(PLACE))


def test_trying_a_request(row: Integrator, web: Client) -> None:
    place = f"{PLACE}{row.pk}/try/"
    given = {"method": "POST", "path": "/quiet/7", "headers": "Content-Type: text/plain\nX-A: b", "body": "hello"}
    answer = web.post(place, given, follow=True)
    assert "/quiet/7" in told(answer) and "tried from the page" in told(answer)
    assert "A path that begins with /" in told(web.post(place, given | {"path": "http://elsewhere/"}))
    assert "is not of the form" in told(web.post(place, given | {"headers": "nonsense"}))


def test_who_may_and_what_is_noted(
    running: Live, row: Integrator, web: Client, make_user: Callable[..., User], organisation: Any
) -> None:
    running.do(lambda world: world.call("/orders/1", ORDER))
    identifier = newest(running)
    place = f"{PLACE}{row.pk}/{identifier}/"
    assert Client().get(place).status_code == 302
    other = Client(headers={"Accept": "text/html"})
    other.force_login(make_user(organisation, "integration_dev", username="dev-of-traces"))
    for path in (PLACE, place, f"{place}?step=1&part=1"):
        assert other.get(path).status_code == 403, path
    for path in ("rules/", "clear/", "try/"):
        answer = other.post(
            f"{PLACE}{row.pk}/{path}", {"kind": "", "path": "/x", "method": "GET", "minutes": "1", "faults": "on"}
        )
        assert answer.status_code == 403, path
    opened = AuditRow.objects.filter(action="integrator.trace_open")
    assert opened.count() == 0
    assert web.get(f"{place}?step=1&part=1").status_code == 200
    assert web.get(f"{place}?step=2&part=1").status_code == 200
    assert opened.count() == 1
    web.get(place)
    assert [one.after["trace"] for one in opened] == [identifier] * 2
    assert web.get(f"{PLACE}{row.pk}/00000000-0000-4000-8000-000000000000/").status_code == 409


def test_an_integrator_that_is_gone(row: Integrator, web: Client) -> None:
    Integrator.objects.filter(pk=row.pk).update(url="https://localhost:1")
    assert "does not answer" in told(web.get(PLACE))
    assert web.get(f"{PLACE}999999/00000000-0000-4000-8000-000000000000/").status_code == 404
    Integrator.objects.all().delete()
    assert "No integrator is registered" in told(web.get(PLACE))
