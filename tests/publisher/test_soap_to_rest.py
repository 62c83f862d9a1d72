"""REST from SOAP, all the way: a WSDL becomes an API, a gateway runs it, a SOAP service answers a JSON caller."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from apim.accounts.models import User
from publisher import records
from publisher.actions.soap import edit_policy, import_wsdl
from publisher.models import Api
from publisher.wsdl.bundle import from_upload
from tests.gateway import world
from tests.gateway.conftest import Served, redis_url, served, signer  # noqa: F401 - fixtures
from tests.gateway.conftest import backend as backend  # noqa: F401 - fixture
from tests.gateway.soap_backend import NS, WSDL, SoapBackend
from tests.publisher.make import deploy


@pytest.fixture(scope="module")
def soap() -> Iterator[SoapBackend]:
    """The SOAP service."""
    one = SoapBackend()
    yield one
    one.stop()


@pytest.fixture
def films(publisher_user: User, soap: SoapBackend) -> Api:
    """REST from the films' WSDL."""
    return import_wsdl(
        by=publisher_user,
        bundle=from_upload(WSDL.read_bytes()),
        kind="SOAPTOREST",
        name="Films",
        context="/films",
        version="1.0",
        endpoint=soap.url,
    )


def run(served: Served, publisher_user: User, api: Api) -> None:  # noqa: F811
    """Gives the gateway what a deployment would."""
    deploy(publisher_user, api)
    made = records.record(api.deployments.select_related("revision", "environment", "api__organisation").get())
    made = made.__class__(**{name: getattr(made, name) for name in made.__struct_fields__} | {"id": "id-films"})
    served.publish(("api", "Default:id-films", made), world.subscription("films"))


def test_json_callers_reach_a_soap_service(served, soap, publisher_user, films):  # noqa: F811
    run(served, publisher_user, films)
    token = served.signer.token()
    answer = served.gateway.call("/films/1.0/getFilm?id=7&lang=en", token=token)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("application/json")
    film = answer.json["GetFilmResponse"]["film"]
    assert (film["title"], [one["name"] for one in film["actor"]]) == ("Brazil", ["Pryce", "Greist"])
    seen = soap.requests[-1]
    assert (seen["path"], seen["headers"]["soapaction"]) == ("/soap/films", '"http://films.example/GetFilm"')
    assert seen["headers"]["content-type"].startswith("text/xml")
    assert [(one.tag, one.text) for one in seen["operation"]] == [(f"{{{NS}}}id", "7"), (f"{{{NS}}}lang", "en")]

    served.gateway.call("/films/1.0/getFilm?id=7", token=token)
    assert [one.tag for one in soap.requests[-1]["operation"]] == [f"{{{NS}}}id"]

    body = json.dumps({"stars": 5, "id": 3, "critic": {"name": "Kael <3"}}).encode()
    answer = served.gateway.call("/films/1.0/rateFilm", "POST", token, body, {"content-type": "application/json"})
    assert answer.json == {"RateFilmResponse": {"ok": True}}
    operation = soap.requests[-1]["operation"]
    assert [one.tag.rpartition("}")[2] for one in operation.iter()] == ["RateFilm", "id", "stars", "critic", "name"]
    assert operation.findtext(f".//{{{NS}}}name") == "Kael <3"

    body = json.dumps({"film": {"title": "Ran", "stars": 5, "actor": [{"name": "A"}, {"name": "B"}]}}).encode()
    answer = served.gateway.call("/films/1.0/addFilm", "POST", token, body, {"content-type": "application/json"})
    assert answer.json == {"AddFilmResponse": {"count": 3}}
    assert [one.text for one in soap.requests[-1]["operation"].iter(f"{{{NS}}}name")] == ["A", "B"]

    fault = served.gateway.call("/films/1.0/getFilm?id=404", token=token)
    assert fault.status == 500
    assert "no such film" in json.dumps(fault.json)
    assert served.gateway.call("/films/1.0/getFilm?id=7").json["code"] == "900902"


def test_an_edited_sequence_is_what_runs(served, soap, publisher_user, films):  # noqa: F811
    row = next(one for one in films.resource_policies if one["target"] == "/getFilm" and one["direction"] == "in")
    content = (
        row["content"].replace("$2", "fr").replace("get-property('query.param.lang')", "get-property('REST_METHOD')")
    )
    edit_policy(by=publisher_user, api=films, policy_id=row["id"], content=content)
    films.refresh_from_db()
    run(served, publisher_user, films)
    served.gateway.call("/films/1.0/getFilm?id=7", token=served.signer.token())
    assert soap.requests[-1]["operation"].findtext(f"{{{NS}}}lang") == "fr"
