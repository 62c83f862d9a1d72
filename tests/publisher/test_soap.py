"""SOAP in the publisher: WSDLs from files, archives and addresses, passed through or made into REST resources."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from lxml import etree

from publisher.models import Api
from publisher.wsdl.about import about, readdressed
from publisher.wsdl.bundle import from_upload, load
from tests.publisher.make import plan

FILMS = (Path(__file__).resolve().parents[1] / "corpus" / "soap" / "films.wsdl").read_text()


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def upload(content: str | bytes, name: str = "films.wsdl") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def made(client, kind: str = "SOAP", content: str | bytes = FILMS, **more) -> dict:
    body = {"name": "Films", "context": "/films", "version": "1.0", "policies": ["Gold"]} | more
    sent = {"file": upload(content), "implementationType": kind, "additionalProperties": json.dumps(body)}
    answer = client.call("post", "/apis/import-wsdl", sent, format="multipart")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/").replace("_", "."), text)
    return buffer.getvalue()


def split() -> bytes:
    """The WSDL with its types in a file of their own."""
    start, end = FILMS.index("<xsd:schema"), FILMS.index("</xsd:schema>") + len("</xsd:schema>")
    types = FILMS[start:end].replace(
        "<xsd:schema", '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://films.example/"', 1
    )
    pointer = (
        '<xsd:schema><xsd:import namespace="http://films.example/" schemaLocation="types/films.xsd"/></xsd:schema>'
    )
    return archive(service__films_wsdl=FILMS[:start] + pointer + FILMS[end:], service__types__films_xsd=types)


def test_a_wsdl_is_told_about(client):
    answer = client.call("post", "/apis/validate-wsdl", {"file": upload(FILMS)}, format="multipart").json()
    assert answer["isValid"] is True
    assert answer["wsdlInfo"]["version"] == "1.1"
    assert answer["wsdlInfo"]["endpoints"][0] == {"name": "FilmPort", "location": "http://old.example/films"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<definitions", "Not well-formed XML"),
        ("<a/>", "not that of a WSDL 1.1 or 2.0"),
        ('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', "It has no operations."),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document type"),
        ("", "Not well-formed XML"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (archive(a_txt="x"), "no .wsdl file"),
        (archive(a_wsdl=FILMS, b_wsdl=FILMS), "several WSDLs"),
    ],
)
def test_what_is_no_wsdl_is_told_why(client, content, told):
    answer = client.call("post", "/apis/validate-wsdl", {"file": upload(content or " ")}, format="multipart")
    assert answer.status_code == 200
    assert answer.json()["isValid"] is False
    assert told in json.dumps(answer.json()["errors"])


def test_a_soap_api_has_one_resource_and_the_address_of_its_wsdl(client):
    api = made(client)
    assert api["type"] == "SOAP"
    assert [(one["verb"], one["target"]) for one in api["operations"]] == [("POST", "/*")]
    assert api["endpointConfig"]["production_endpoints"]["url"] == "http://old.example/films"
    got = client.call("get", f"/apis/{api['id']}/wsdl")
    assert got.content.decode() == FILMS
    assert got["content-type"] == "application/wsdl+xml"
    assert client.call("get", f"/apis/{api['id']}/wsdl-info").json() == {"type": "WSDL"}


def test_an_archive_keeps_its_files(client):
    api = made(client, content=split())
    assert client.call("get", f"/apis/{api['id']}/wsdl-info").json() == {"type": "ZIP"}
    got = client.call("get", f"/apis/{api['id']}/wsdl")
    with zipfile.ZipFile(io.BytesIO(got.content)) as opened:
        assert sorted(opened.namelist()) == ["service/films.wsdl", "service/types/films.xsd"]


@pytest.mark.parametrize("content", [FILMS, split()], ids=["one file", "archive"])
def test_operations_become_rest_resources(client, content):
    api = made(client, "SOAPTOREST", content)
    assert api["type"] == "SOAPTOREST"
    assert [(one["verb"], one["target"]) for one in api["operations"]] == [
        ("GET", "/getFilm"),
        ("POST", "/addFilm"),
        ("POST", "/rateFilm"),
    ]
    document = client.call("get", f"/apis/{api['id']}/swagger").json()
    parameters = document["paths"]["/getFilm"]["get"]["parameters"]
    assert [(one["name"], one["required"], one["schema"]["type"]) for one in parameters] == [
        ("id", True, "integer"),
        ("lang", False, "string"),
    ]
    film = document["paths"]["/addFilm"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert film["film"]["properties"]["actor"]["type"] == "array"


def test_sequences_are_read_and_edited(client):
    api = made(client, "SOAPTOREST")
    path = f"/apis/{api['id']}/resource-policies"
    found = client.call("get", f"{path}?resourcePath=getFilm&verb=get&sequenceType=in").json()
    assert found["count"] == 1
    assert "web:GetFilm" in found["list"][0]["content"]
    assert client.call("get", f"{path}?sequenceType=out").json()["count"] == 3
    one = f"{path}/{found['list'][0]['id']}"
    edited = '<sequence xmlns="http://ws.apache.org/ns/synapse"><log level="simple"/></sequence>'
    assert client.call("put", one, {"content": edited}).json()["content"] == edited
    assert client.call("get", one).json()["content"] == edited
    for wrong in ("<sequence", "<api/>", 7):
        answer = client.call("put", one, {"content": wrong})
        assert answer.status_code == 400, wrong
    assert client.call("get", f"{path}/nobody").status_code == 404


def test_a_new_wsdl_keeps_edited_sequences_of_operations_that_stay(client):
    api = made(client, "SOAPTOREST")
    path = f"/apis/{api['id']}/resource-policies"
    first = client.call("get", f"{path}?resourcePath=getFilm").json()["list"][0]
    edited = '<sequence xmlns="http://ws.apache.org/ns/synapse"/>'
    client.call("put", f"{path}/{first['id']}", {"content": edited})
    sent = {"file": upload(FILMS.replace('operation name="RateFilm"', 'operation name="JudgeFilm"'))}
    assert client.call("put", f"/apis/{api['id']}/wsdl", sent, format="multipart").status_code == 200
    targets = [one["target"] for one in client.call("get", f"/apis/{api['id']}").json()["operations"]]
    assert targets == ["/getFilm", "/addFilm", "/judgeFilm"]
    assert client.call("get", f"{path}?resourcePath=getFilm").json()["list"][0]["content"] == edited


def test_sequences_survive_an_update_of_the_operations(client):
    api = made(client, "SOAPTOREST")
    client.call("put", f"/apis/{api['id']}", {"operations": api["operations"]})
    assert client.call("get", f"/apis/{api['id']}/resource-policies").json()["count"] == 3


def test_a_copy_has_wsdl_and_sequences(client):
    api = made(client, "SOAPTOREST")
    copied = client.call("post", f"/apis/copy-api?apiId={api['id']}&newVersion=2.0").json()
    assert copied["type"] == "SOAPTOREST"
    assert client.call("get", f"/apis/{copied['id']}/resource-policies").json()["count"] == 3
    assert client.call("get", f"/apis/{copied['id']}/wsdl").content.decode() == FILMS


def test_an_unknown_implementation_is_refused(client):
    sent = {"file": upload(FILMS), "implementationType": "REST", "additionalProperties": "{}"}
    assert client.call("post", "/apis/import-wsdl", sent, format="multipart").status_code == 400


def test_rest_from_a_wsdl_without_its_types_says_which_file_is_missing(client):
    with zipfile.ZipFile(io.BytesIO(split())) as opened:
        alone = opened.read("service/films.wsdl")
    body = {"name": "Films", "context": "/films", "version": "1.0"}
    sent = {"file": upload(alone), "implementationType": "SOAPTOREST", "additionalProperties": json.dumps(body)}
    answer = client.call("post", "/apis/import-wsdl", sent, format="multipart")
    assert answer.status_code == 400
    assert "types/films.xsd" in answer.json()["description"]
    assert not Api.objects.exists()


def test_every_address_of_a_wsdl_becomes_ours():
    root = etree.fromstring(readdressed(from_upload(FILMS.encode()).dump(), "https://gw/films/1.0").text.encode())
    assert {one.get("location") for one in root.iter() if one.get("location")} == {"https://gw/films/1.0"}


def test_wsdl_2_is_taken_for_pass_through():
    text = (
        '<description xmlns="http://www.w3.org/ns/wsdl" targetNamespace="u"><interface name="I"><operation name="Ask"/>'
        '</interface><service name="S" interface="I"><endpoint name="E" address="http://a.example/"/></service></description>'
    )
    facts = about(from_upload(text.encode()))
    assert (facts.version, facts.operations, facts.endpoints) == ("2.0", ["Ask"], [("E", "http://a.example/")])
    assert 'address="https://gw/"' in readdressed(text, "https://gw/").text


def test_types_that_would_explode_are_refused(client):
    levels = (
        "".join(
            f'<xsd:complexType name="T{n}"><xsd:sequence>'
            + "".join(f'<xsd:element name="e{m}" type="tns:T{n + 1}"/>' for m in range(10))
            + "</xsd:sequence></xsd:complexType>"
            for n in range(10)
        )
        + '<xsd:complexType name="T10"><xsd:sequence/></xsd:complexType>'
    )
    text = FILMS.replace('<xsd:complexType name="Film">', levels + '<xsd:complexType name="Film">')
    text = text.replace('<xsd:element name="title" type="xsd:string"/>', '<xsd:element name="title" type="tns:T0"/>')
    body = {"name": "Films", "context": "/films", "version": "1.0"}
    sent = {"file": upload(text), "implementationType": "SOAPTOREST", "additionalProperties": json.dumps(body)}
    answer = client.call("post", "/apis/import-wsdl", sent, format="multipart")
    assert answer.status_code == 400
    assert "20000 elements" in answer.json()["description"]


def test_loading_what_was_dumped_gives_the_same():
    bundle = from_upload(split())
    assert load(bundle.dump()) == bundle
