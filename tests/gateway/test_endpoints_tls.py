"""TLS to backends: whom we trust, whose name must be right, and what we show of ourselves."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.deciding import Scripted
from tests.gateway.process import Answer
from tests.support.certificate import make_certificate
from tests.support.wait import until

_names = count(1)
Start = Callable[..., Scripted]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts TLS backends with certificates of their own, in `tmp_path/<name>`."""
    found: list[Scripted] = []

    def one(name: str, clients: Path | None = None) -> Scripted:
        folder = tmp_path / name
        folder.mkdir()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_certificate(folder))
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cafile=str(clients))
        found.append(Scripted(tls=context))
        return found[-1]

    yield one
    for scripted in found:
        scripted.stop()


def publish(served: Served, endpoint: schema.Endpoint) -> str:
    name = f"tls{next(_names)}"
    served.publish(("api", f"Default:id-{name}", world.api(name, "", production=endpoint)), world.subscription(name))
    return f"/{name}/1.0"


def call(served: Served, path: str) -> Answer:
    return served.gateway.call(path, "GET", served.signer.token())


def test_only_named_certificates_are_trusted_and_only_there(served: Served, start: Start, tmp_path: Path) -> None:
    backend = start("one")
    other = start("two")
    pem = (tmp_path / "one" / "tls.crt").read_text()
    trusted = publish(served, schema.Endpoint(backend.url, certificates=(pem,)))
    assert call(served, f"{trusted}/x").status == 200
    plain = publish(served, schema.Endpoint(backend.url))
    assert call(served, f"{plain}/x").json["code"] == "101503"
    wrong = publish(served, schema.Endpoint(other.url, certificates=(pem,)))
    assert call(served, f"{wrong}/x").json["code"] == "101503"


def test_the_name_must_be_in_the_certificate(served: Served, start: Start, tmp_path: Path) -> None:
    backend = start("one")
    pem = (tmp_path / "one" / "tls.crt").read_text()
    url = backend.url.replace("localhost", "127.0.0.2")
    context = publish(served, schema.Endpoint(url, certificates=(pem,)))
    assert call(served, f"{context}/x").json["code"] == "101503"
    assert backend.asked == []


def test_mutual_tls(served: Served, start: Start, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    certificate, key = make_certificate(mine)
    backend = start("strict", certificate)
    pem = (tmp_path / "strict" / "tls.crt").read_text()
    shown = schema.Endpoint(
        backend.url, certificates=(pem,), client_certificate=certificate.read_text(), client_key=key.read_text()
    )
    context = publish(served, shown)
    assert call(served, f"{context}/x").status == 200
    without = publish(served, schema.Endpoint(backend.url, certificates=(pem,)))
    assert call(served, f"{without}/x").status == 500
    assert key.read_text().splitlines()[1] not in served.gateway.log


def test_a_certificate_that_is_none_is_refused_by_name(served: Served) -> None:
    endpoint = schema.Endpoint("https://localhost:1", certificates=("nothing",))
    served.publish(("api", "Default:id-bad", world.api("bad", "", production=endpoint)))
    until(
        lambda: any(
            "certificates[0] of an endpoint is not a PEM certificate" in repr(one) for one in served.hub.statuses
        ),
        seconds=10,
        what="the refusal",
    )
    served.publish(("api", "Default:id-bad", None))
