"""Certificates: of callers, by alias and by key type, and of backends."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.actions import client_certificates, endpoint_certificates
from publisher.models import EndpointCertificate
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.support.client_certificate import make_client_certificate


@cache
def pem(name: str) -> bytes:
    with TemporaryDirectory() as folder:
        return make_client_certificate(Path(folder), name).pem.encode()


def upload(name: str = "alice") -> dict[str, tuple[str, bytes, str]]:
    return {"certificate": (f"{name}.crt", pem(name), "application/octet-stream")}


NEW = {"alias": "alice", "tier": "Gold"}


def held(w: World, kind: str = "PRODUCTION", form: str = "client-certificates") -> str:
    """The address of a client certificate."""
    row = client_certificates.add_certificate(
        by=w.user, api=w.api(), alias="alice", content=pem("alice"), tier="Gold", key_type=kind
    )
    return f"/apis/{row.api_id}/{form}/alice"


@case("publisher", "getAPIClientCertificates")
def of_callers(w: World) -> Answer:
    return w.publisher.get(held(w).rpartition("/")[0])


@case("publisher", "addAPIClientCertificate")
def add(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.api().pk}/client-certificates", data=NEW, files=upload())


@case("publisher", "getAPIClientCertificateByAlias")
def one(w: World) -> Answer:
    return w.publisher.get(held(w))


@case("publisher", "updateAPIClientCertificateByAlias")
def change(w: World) -> Answer:
    return w.publisher.put(held(w), data={"tier": "Gold"}, files=upload("bob"))


@case("publisher", "deleteAPIClientCertificateByAlias")
def delete(w: World) -> Answer:
    return w.publisher.delete(held(w))


@case("publisher", "getAPIClientCertificateContentByAlias")
def content(w: World) -> Answer:
    return w.publisher.get(f"{held(w)}/content")


def sandbox(w: World) -> str:
    return held(w, "SANDBOX", "client-certs/SANDBOX")


@case("publisher", "getAPIClientCertificatesByKeyType")
def of_a_type(w: World) -> Answer:
    return w.publisher.get(sandbox(w).rpartition("/")[0])


@case("publisher", "addAPIClientCertificateOfGivenKeyType")
def add_of_a_type(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.api().pk}/client-certs/SANDBOX", data=NEW, files=upload())


@case("publisher", "getAPIClientCertificateByKeyTypeAndAlias")
def one_of_a_type(w: World) -> Answer:
    return w.publisher.get(sandbox(w))


@case("publisher", "updateAPIClientCertificateByKeyTypeAndAlias")
def change_of_a_type(w: World) -> Answer:
    return w.publisher.put(sandbox(w), data={"tier": "Gold"}, files=upload("bob"))


@case("publisher", "deleteAPIClientCertificateByKeyTypeAndAlias")
def delete_of_a_type(w: World) -> Answer:
    return w.publisher.delete(sandbox(w))


@case("publisher", "getAPIClientCertificateContentByKeyTypeAndAlias")
def content_of_a_type(w: World) -> Answer:
    return w.publisher.get(f"{sandbox(w)}/content")


def backend(w: World) -> EndpointCertificate:
    return endpoint_certificates.add_certificate(
        by=w.user, alias="backend", endpoint="https://backend.example:8080", content=pem("backend")
    )


@case("publisher", "getEndpointCertificates")
def of_backends(w: World) -> Answer:
    backend(w)
    return w.publisher.get("/endpoint-certificates")


@case("publisher", "addEndpointCertificate")
def add_of_backend(w: World) -> Answer:
    data = {"alias": "backend", "endpoint": "https://backend.example"}
    return w.publisher.post("/endpoint-certificates", data=data, files=upload("backend"))


@case("publisher", "getEndpointCertificateByAlias")
def one_of_backend(w: World) -> Answer:
    return w.publisher.get(f"/endpoint-certificates/{backend(w).alias}")


@case("publisher", "updateEndpointCertificateByAlias")
def change_of_backend(w: World) -> Answer:
    return w.publisher.put(f"/endpoint-certificates/{backend(w).alias}", files=upload("other"))


@case("publisher", "deleteEndpointCertificateByAlias")
def delete_of_backend(w: World) -> Answer:
    return w.publisher.delete(f"/endpoint-certificates/{backend(w).alias}")


@case("publisher", "getEndpointCertificateContentByAlias")
def content_of_backend(w: World) -> Answer:
    return w.publisher.get(f"/endpoint-certificates/{backend(w).alias}/content")


@case("publisher", "getCertificateUsageByAlias")
def users_of_backend(w: World) -> Answer:
    w.api(endpoints={"production": {"url": "https://backend.example:8080/base"}})
    return w.publisher.get(f"/endpoint-certificates/{backend(w).alias}/usage")
