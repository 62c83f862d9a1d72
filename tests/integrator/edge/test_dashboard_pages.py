"""The dashboard against a real integrator: what it shows, what its buttons do, who may, and an integrator that is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apim.accounts.models import AuditRow, User
from integrator import beat
from integrator.actions import control, nodes
from integrator.dashboard import client as outbound
from integrator.dashboard import watching
from integrator.engine import metrics
from integrator.models import Integrator, IntegratorSample
from tests.integrator.edge.live import Live, live
from tests.integrator.management.world import car
from tests.support.browser import served

PLACE = "/admin/integrations/"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One integrator for the module; tests leave it as they found it."""
    with live(tmp_path_factory.mktemp("integrator")) as made:
        yield made


@pytest.fixture(autouse=True)
def _inner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's integrator is on this machine."""
    monkeypatch.setattr(settings.APIM, "integrator_networks", "127.0.0.0/8, ::1/128")


@pytest.fixture
def boss(make_user: Callable[..., User], organisation: Any) -> User:
    """An administrator of the platform."""
    return make_user(organisation, "admin", is_staff=True)


def registered(by: User, running: Live, **changes: Any) -> Integrator:
    """The running integrator, registered."""
    given = {"name": "north", "url": running.url, "username": "ann", "certificate": running.certificate} | changes
    password = given.pop("password", "secret")
    return nodes.save_integrator(by=by, row=Integrator(**given), password=password)


def browse(user: User) -> Client:
    """Somebody's browser."""
    made = Client()
    made.force_login(user)
    return made


def told(answer: Any) -> str:
    """The page behind a redirect, as text."""
    return str(answer.content.decode())


def test_every_page_shows_a_running_integrator(running: Live, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_served", {})  # counted for the whole process, that is, by tests before this one too
    row, web = registered(boss, running), browse(boss)
    assert "not looked at yet" in told(web.get(PLACE))
    for path in ("/shop/a", "/shop/bad"):
        running.call(path)
    assert "north answers" in told(web.post(f"{PLACE}{row.pk}/look/", follow=True))
    IntegratorSample.objects.create(integrator=row, at=timezone.now(), seconds=15, requests=30, errors=3, busy=0.6)
    IntegratorSample.objects.create(integrator=row, at=timezone.now(), seconds=15, requests=60, errors=0, busy=0.9)
    overview = told(web.get(PLACE))
    assert "apim-ok" in overview and "3.0" in overview and "MB" in overview and "<svg" in overview
    node = told(web.get(f"{PLACE}{row.pk}/"))
    assert node.count('class="apim-curve') == 4 and "api:shop" in node and "2.0" in node
    assert f'<a href="{PLACE}{row.pk}/artifact/apis/?name=shop"><code>api:shop</code></a>' in node
    metrics.served("api:sold-out", 200, 0.01)
    node = told(web.get(f"{PLACE}{row.pk}/"))
    assert "<code>api:sold-out</code> (no longer deployed)" in node and "name=sold-out" not in node
    listed = told(web.get(f"{PLACE}{row.pk}/artifacts/?kind=proxy-services"))
    assert "quotes" in listed and "Deactivate" in listed
    assert "quotes" not in told(web.get(f"{PLACE}{row.pk}/artifacts/?kind=proxy-services&search=zzz"))
    detail = told(web.get(f"{PLACE}{row.pk}/artifact/apis/?name=shop"))
    assert '<i class="x-tag">&lt;api</i>' in detail and "/shop" in detail and "requests since the start" in detail
    assert "<title> API shop |" in " ".join(detail.split()), (
        "the theme writes a title's first letter large, and names keep theirs"
    )
    source = told(web.get(f"{PLACE}{row.pk}/artifact/data-sources/?name=Numbers"))
    assert "hunter2" not in source and "***" in source
    assert "audit.log" in told(web.get(f"{PLACE}{row.pk}/logs/")) or "integrator.log" in told(
        web.get(f"{PLACE}{row.pk}/logs/")
    )
    assert "rootLogger" in told(web.get(f"{PLACE}{row.pk}/loggers/"))
    assert "carapi" in told(web.get(f"{PLACE}{row.pk}/applications/"))
    for kind in outbound_kinds():
        assert web.get(f"{PLACE}{row.pk}/artifacts/?kind={kind}").status_code == 200, kind


def test_lists_are_sorted_by_name(running: Live, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order in which the integrator names them."""
    row, given = registered(boss, running), [{"name": name} for name in ("b", "A", "c", "a1")]
    monkeypatch.setattr("integrator.dashboard.client.Node.get", lambda *_, **__: {"list": given})
    listed = told(browse(boss).get(f"{PLACE}{row.pk}/artifacts/?kind=local-entries"))
    places = [listed.index(f'?name={name}"') for name in ("A", "a1", "b", "c")]
    assert places == sorted(places)


def outbound_kinds() -> list[str]:
    """Every kind of artifacts."""
    from integrator.dashboard.kinds import KINDS

    return list(KINDS)


def test_buttons_change_the_integrator_and_leave_an_audit_row(running: Live, boss: User) -> None:
    row, web = registered(boss, running), browse(boss)
    place = f"{PLACE}{row.pk}"
    off = {"name": "quotes", "field": "status", "value": "inactive", "next": "list"}
    assert "stopped successfully" in told(web.post(f"{place}/artifact/proxy-services/switch/", off, follow=True))
    assert running.call("/services/quotes").status == 404
    web.post(f"{place}/artifact/proxy-services/switch/", off | {"value": "active"})
    assert running.call("/services/quotes").status == 200
    on = {"name": "shop", "turn": "trace:enable"}
    assert "Enabled tracing" in told(web.post(f"{place}/artifact/apis/switch/", on, follow=True))
    web.post(f"{place}/artifact/apis/switch/", on | {"turn": "trace:disable"})
    level = {"logger": "org-apache-synapse", "level": "DEBUG"}
    assert "to DEBUG" in told(web.post(f"{place}/loggers/change/", level, follow=True))
    file = SimpleUploadedFile("Extra_1.0.0.car", car("Extra", api="extra"))
    assert "Successfully added" in told(web.post(f"{place}/applications/upload/", {"file": file}, follow=True))
    act = {"name": "Extra", "file": "Extra_1.0.0.car"}
    assert "deployed again" in told(web.post(f"{place}/applications/change/", act | {"what": "redeploy"}, follow=True))
    assert "removed" in told(web.post(f"{place}/applications/change/", act | {"what": "remove"}, follow=True))
    actions = list(
        AuditRow.objects.filter(action__startswith="integrator.").order_by("pk").values_list("action", flat=True)
    )
    assert actions == [
        "integrator.create",
        *["integrator.switch"] * 4,
        "integrator.log_level",
        "integrator.application_upload",
        "integrator.application_redeploy",
        "integrator.application_remove",
    ]


def test_what_the_integrator_refuses_is_told(running: Live, boss: User) -> None:
    row, web = registered(boss, running), browse(boss)
    place = f"{PLACE}{row.pk}"
    for url, form, text in (
        ("artifact/apis/switch/", {"name": "none", "turn": "trace:enable"}, "not found"),
        ("artifact/apis/switch/", {"name": "shop", "turn": "status:inactive"}, "cannot be set"),
        ("artifact/apis/switch/", {"name": "shop"}, "cannot be set"),
        ("loggers/change/", {"logger": "none", "level": "DEBUG"}, "not found"),
        ("loggers/change/", {"logger": "rootLogger", "level": "LOUD"}, "Allowed are"),
        ("applications/upload/", {}, "Choose a .car file"),
        ("applications/upload/", {"file": SimpleUploadedFile("x.zip", b"x")}, "ends in .car"),
        ("applications/upload/", {"file": SimpleUploadedFile("x.car", b"no zip")}, "no zip archive"),
        ("applications/change/", {"name": "../x", "what": "remove"}, "no application"),
        ("applications/change/", {"name": "none", "what": "redeploy"}, "does not exist"),
    ):
        answer = web.post(f"{place}/{url}", form, follow=True)
        assert answer.status_code == 200 and text in told(answer), (url, form)
    assert "It cannot be shown" in told(web.get(f"{place}/artifact/apis/?name=none"))
    assert web.get(f"{place}/artifacts/?kind=none").status_code == 404
    assert web.get(f"{PLACE}999999/").status_code == 404


def test_an_application_that_came_but_is_refused_is_no_success(running: Live, boss: User) -> None:
    row, web = registered(boss, running), browse(boss)
    place = f"{PLACE}{row.pk}/applications/"
    file = SimpleUploadedFile("Half_1.0.0.car", car("Half", good=False, api="half"))
    answer = web.post(f"{place}upload/", {"file": file}, follow=True)
    (message,) = answer.context["messages"]
    assert message.level_tag == "error" and "Half_1.0.0.car is there but not deployed" in message.message
    assert "missing" in message.message
    assert AuditRow.objects.filter(action="integrator.application_upload").count() == 1
    web.post(f"{place}change/", {"name": "Half", "file": "Half_1.0.0.car", "what": "remove"})
    assert "Half_1.0.0.car" not in told(web.get(place))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "https://localhost:1"}, "the connection is refused"),
        ({"password": "wrong"}, "refuses the user name and password"),
        ({"certificate": ""}, "its certificate is not trusted"),
        ({"url": "https://no-such-host.invalid:9164"}, "is not known"),
    ],
)
def test_an_integrator_that_is_down_is_shown_with_the_reason(
    running: Live, boss: User, changes: Any, reason: str
) -> None:
    row, web = registered(boss, running, **changes), browse(boss)
    watching.watch(row)
    assert reason in told(web.get(PLACE)).replace("&#x27;", "'")
    for page in ("", "artifacts/", "applications/", "logs/", "loggers/"):
        answer = web.get(f"{PLACE}{row.pk}/{page}")
        assert answer.status_code == 200 and "does not answer" in told(answer) and reason in told(answer), page
    form = {"name": "quotes", "field": "status", "value": "inactive"}
    assert reason in told(web.post(f"{PLACE}{row.pk}/artifact/proxy-services/switch/", form, follow=True))
    assert not AuditRow.objects.filter(action="integrator.switch").exists()


def test_an_unknown_log_file_is_the_askers_mistake(running: Live, boss: User) -> None:
    row, web = registered(boss, running), browse(boss)
    answer = web.get(f"{PLACE}{row.pk}/logs/tail/?file=nope.log")
    assert 400 <= answer.status_code < 500 and told(answer), answer


class Dripping(BaseHTTPRequestHandler):
    """A node that sends a byte now and then and never ends."""

    def do_GET(self) -> None:
        """Drip."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_node_that_drips_is_given_up(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_S", 0.3)
    with served(Dripping) as url:
        row = nodes.save_integrator(by=boss, row=Integrator(name="slow", url=url, username="ann"), password="secret")
        with pytest.raises(outbound.NodeDown, match="not complete after"):
            outbound.Node(row).get("/apis")


def test_inner_networks_are_asked_only_when_named(running: Live, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = registered(boss, running)
    monkeypatch.setattr(settings.APIM, "integrator_networks", "10.0.0.0/8")
    assert "an address of an inner network" in watching.watch(row).reason
    for url in ("https://169.254.169.254", "http://[::ffff:10.0.0.1]:9164", "https://10.0.0.1"):
        if "10.0.0.1" in url:
            monkeypatch.setattr(settings.APIM, "integrator_networks", "")
        with pytest.raises(outbound.NodeDown, match="inner network"):
            outbound.Node(Integrator(name="x", url=url, sealed_password=row.sealed_password)).get("/apis")


def test_credentials_are_sealed_and_bound_to_their_address(running: Live, boss: User) -> None:
    row = registered(boss, running)
    assert "secret" not in row.sealed_password
    page = told(browse(boss).get(f"/admin/integrator/integrator/{row.pk}/change/"))
    assert row.sealed_password not in page and 'value="secret"' not in page
    row.url = "https://localhost:2"
    with pytest.raises(nodes.Invalid) as refused:
        nodes.save_integrator(by=boss, row=row)
    assert [one.field for one in refused.value.fields] == ["password"]
    for changes, field in (
        ({"url": "ftp://x"}, "url"),
        ({"url": "https://u:p@x"}, "url"),
        ({"url": "https://x/path"}, "url"),
        ({"certificate": "none"}, "certificate"),
        ({"password": ""}, "password"),
    ):
        with pytest.raises(nodes.Invalid) as wrong:
            registered(boss, running, name="other", **changes)
        assert field in [one.field for one in wrong.value.fields], changes
    assert "secret" not in str(list(AuditRow.objects.values_list("after", flat=True)))


def test_only_administrators_of_the_platform(
    running: Live, boss: User, developer: User, other_organisation: Any, make_user: Callable[..., User]
) -> None:
    row = registered(boss, running)
    tenant = make_user(other_organisation, "admin", is_staff=True)
    integrators = make_user(row and boss.organisation, "Internal/integration_dev", is_staff=True)
    assert Client().get(PLACE).status_code == 302
    for user in (developer, tenant, integrators):
        web = browse(user)
        for page in (
            "",
            f"{row.pk}/",
            f"{row.pk}/artifacts/",
            f"{row.pk}/logs/",
            f"{row.pk}/logs/download/?file=audit.log",
        ):
            assert web.get(PLACE + page).status_code == 403, (user, page)
        for page in (
            "artifact/apis/switch/",
            "applications/upload/",
            "applications/change/",
            "loggers/change/",
            "look/",
        ):
            assert web.post(f"{PLACE}{row.pk}/{page}", {"name": "shop"}).status_code == 403, (user, page)
        for action in (
            lambda by: nodes.remove_integrator(by=by, row=row),
            lambda by: control.set_level(by=by, row=row, logger="rootLogger", level="INFO"),
            lambda by: control.switch(by=by, row=row, kind="apis", name="shop", field="trace", value="enable"),
        ):
            with pytest.raises(nodes.Forbidden):
                action(user)
    assert 'href="/admin/integrations/"' in told(browse(boss).get("/admin/"))
    assert 'href="/admin/integrations/"' not in told(browse(tenant).get("/admin/"))


def test_it_is_registered_and_removed_in_the_admin_site(running: Live, boss: User) -> None:
    web = browse(boss)
    form = {
        "name": "south",
        "url": running.url + "/",
        "username": "ann",
        "password": "secret",
        "certificate": running.certificate,
    }
    answer = web.post("/admin/integrator/integrator/add/", form)
    row = Integrator.objects.get(name="south")
    assert answer.status_code == 302 and answer.headers["Location"] == f"{PLACE}{row.pk}/"
    assert row.url == running.url and watching.watch(row).state == "up"
    again = web.post("/admin/integrator/integrator/add/", form | {"name": "west", "url": "nonsense"})
    assert again.status_code == 200 and not Integrator.objects.filter(name="west").exists()
    gone = web.post(f"/admin/integrator/integrator/{row.pk}/delete/", {"post": "yes"})
    assert gone.headers["Location"] == PLACE
    assert not Integrator.objects.exists()


def test_the_platforms_own_integrator_appears_by_itself(
    db: None, organisation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat.schedule()
    beat.schedule()
    row = Integrator.objects.get()
    assert row.local and row.url == f"https://localhost:{settings.APIM.port(9164)}" and not row.sealed_password
    monkeypatch.setattr(type(settings.APIM), "secrets", property(lambda self: tmp_path))
    with pytest.raises(outbound.NodeDown, match="no password"):
        outbound.Node(row)._password()
    (tmp_path / outbound.GENERATED).write_text("made-at-first-start\n")
    assert outbound.Node(row)._password() == "made-at-first-start"


def test_history_is_bounded_and_restarts_are_noticed(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "KEPT", 3)
    row = Integrator.objects.create(name="n", url="https://x")
    base = {"memory": 1, "uptime": 0, "requests": 0, "errors": 0, "busy": 0.0}
    for step in range(6):
        figures = base | {"uptime": step * 15, "requests": step * 10}
        Integrator.objects.filter(pk=row.pk).exclude(seen=None).update(seen=timezone.now() - timedelta(seconds=15))
        watching.keep(row, watching.Look(figures=figures))
    assert [one.requests for one in row.samples.order_by("id")] == [10, 10, 10]
    Integrator.objects.filter(pk=row.pk).update(seen=timezone.now() - timedelta(seconds=15))
    watching.keep(row, watching.Look(figures=base | {"uptime": 5, "requests": 4}))
    assert row.samples.order_by("-id").first().requests == 4
