"""SOAP APIs passed through, with zeep as the caller; and faults in the SOAP version of the call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from lxml import etree
from zeep import Client, Transport
from zeep.exceptions import Fault

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.soap_backend import SOAP11, SOAP12, WSDL, SoapBackend

ENVELOPE = (
    '<s:Envelope xmlns:s="{}"><s:Body><GetFilm xmlns="http://films.example/"><id>1</id></GetFilm></s:Body></s:Envelope>'
)


@pytest.fixture(scope="module")
def soap() -> Iterator[SoapBackend]:
    """The service behind the API."""
    one = SoapBackend()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def films(served: Served, soap: SoapBackend) -> Served:
    """The SOAP API `films`, with an operation policy of many calls."""
    one = world.api("films", soap.url, schema.Operation("POST", "/*"), kind="SOAP")
    served.publish(("api", "Default:id-films", one), world.subscription("films"))
    return served


def client(served: Served, port: str, token: str) -> object:
    """zeep's proxy of a port, speaking to the gateway."""
    session = requests.Session()
    session.trust_env = False
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    made = Client(str(WSDL), transport=Transport(session=session))
    binding = "B12" if port.endswith("12") else "B"
    return made.create_service(
        f"{{http://films.example/}}{binding}", f"http://127.0.0.1:{served.gateway.http}/films/1.0"
    )


@pytest.mark.parametrize("port", ["FilmPort", "FilmPort12"])
def test_a_soap_client_calls_through_the_gateway(films: Served, soap: SoapBackend, port: str) -> None:
    film = client(films, port, films.signer.token()).GetFilm(id=1, lang="en")
    assert (film["title"], [actor["name"] for actor in film["actor"]]) == ("Brazil", ["Pryce", "Greist"])
    seen = soap.requests[-1]
    assert seen["path"] == "/soap/films"
    assert "authorization" not in seen["headers"]
    if port == "FilmPort":
        assert seen["headers"]["soapaction"] == '"http://films.example/GetFilm"'
    else:
        assert 'action="http://films.example/GetFilm"' in seen["headers"]["content-type"]


@pytest.mark.parametrize("port", ["FilmPort", "FilmPort12"])
def test_a_fault_of_the_service_passes_as_it_is(films: Served, port: str) -> None:
    with pytest.raises(Fault, match="no such film"):
        client(films, port, films.signer.token()).GetFilm(id=404)


@pytest.mark.parametrize("port", ["FilmPort", "FilmPort12"])
def test_soap_clients_understand_our_faults(films: Served, port: str) -> None:
    with pytest.raises(Fault) as caught:
        client(films, port, "").GetFilm(id=1)
    assert "Authentication Failure" in str(caught.value)
    assert caught.value.code.endswith("Client" if port == "FilmPort" else "Sender")


@pytest.mark.parametrize(
    ("space", "headers", "kind"),
    [
        (SOAP11, {"content-type": "text/xml; charset=utf-8", "SOAPAction": '""'}, "text/xml; charset=UTF-8"),
        (SOAP12, {"content-type": 'application/soap+xml; action="x"'}, "application/soap+xml; charset=UTF-8"),
        (SOAP11, {"content-type": 'multipart/related; type="application/xop+xml"; start-info="text/xml"'},
         "text/xml; charset=UTF-8"),
        (SOAP12, {"content-type": 'multipart/related; type="application/xop+xml"; start-info="application/soap+xml"'},
         "application/soap+xml; charset=UTF-8"),
    ],
)  # fmt: skip
def test_refusals_speak_the_version_of_the_call(films: Served, space: str, headers: dict[str, str], kind: str) -> None:
    answer = films.gateway.call("/films/1.0", "POST", "", ENVELOPE.format(space).encode(), headers)
    assert (answer.status, answer.headers["content-type"]) == (401, kind)
    root = etree.fromstring(answer.body)
    assert root.tag == f"{{{space}}}Envelope"
    assert root.find(f".//{{{space}}}Fault") is not None


def test_a_throttled_soap_call_is_the_servers_fault(served: Served, soap: SoapBackend) -> None:
    one = world.api("throttledsoap", soap.url, schema.Operation("POST", "/*"), kind="SOAP")
    plan = world.policy("subscription", "OneCall", 1)
    served.publish(plan, ("api", "Default:id-throttledsoap", one), world.subscription("throttledsoap", plan="OneCall"))
    headers = {"content-type": "text/xml", "SOAPAction": "x"}
    body = ENVELOPE.format(SOAP11).encode()
    token = served.signer.token()
    assert served.gateway.call("/throttledsoap/1.0", "POST", token, body, headers).status == 200
    answer = served.gateway.call("/throttledsoap/1.0", "POST", token, body, headers)
    assert answer.status == 429
    fault = etree.fromstring(answer.body).find(f".//{{{SOAP11}}}Fault")
    assert fault is not None
    assert (fault.findtext("faultcode"), fault.findtext("faultstring")) == ("soapenv:Server", "Message throttled out")
    assert "retry-after" in answer.headers


def test_other_verbs_are_not_offered(films: Served) -> None:
    assert films.gateway.call("/films/1.0", token=films.signer.token()).status == 405
