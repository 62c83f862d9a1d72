"""What a car's metadata becomes in the service catalog: APIs with their definition, proxies with their WSDL (reference 1.3)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, car, put, text_api
from tests.integrator.engine.harness import backend, eventually, integrator, write

META = 'key: "{0}-1"\nname: {0}\ndisplayName: {0}\nversion: "1.10"\nserviceUrl: "{1}"\ndefinitionType: {2}\nsecurityType: BASIC\nmutualSSLEnabled: false\n'  # noqa: E501
PROXY = f'<proxy {NS} name="p"><target><inSequence><respond/></inSequence></target></proxy>'


@covers("capp.metadata")
async def test_a_car_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One zip with what is new; addresses filled in; a service without an address is left out; the same again is not sent."""
    monkeypatch.setenv("MI_HOST", "mi.example")
    monkeypatch.delenv("MI_URL", raising=False)
    home = tmp_path / "home"
    files = {
        "metadata/a_metadata_1.0.0/a_metadata-1.0.0.yaml": META.format("a", "http://{MI_HOST}:{MI_PORT}/a", "OAS3"),
        "metadata/a_swagger_1.0.0/a_swagger-1.0.0.yaml": "openapi: 3.0.1\ninfo: {title: from the car, version: '1.10'}\n",
        "metadata/p_proxy_metadata_1.0.0/p_proxy_metadata-1.0.0.yaml": META.format(
            "p", "https://{MI_HOST}/services/p", "WSDL1"
        ),
        "metadata/u_metadata_1.0.0/u_metadata-1.0.0.yaml": META.format("u", "{MI_URL}/u", "OAS3"),
    }
    parts = {"a": ("synapse/api", text_api("a", "x")), "p": ("synapse/proxy-service", PROXY)}
    async with backend([{"method": "GET", "body": '{"list": []}'}, {"method": "POST"}]) as stub:
        host = f"http://127.0.0.1:{stub.port}"
        table = f'[[service_catalog]]\napim_host = "{host}"\nenable = true\nusername = "u"\npassword = "p"\n'
        write(home, "conf", "deployment.toml", table)
        put(home, "carbonapps", "App.car", car(parts, **files))
        async with integrator(home) as running:
            await eventually(lambda: [seen for seen in stub.seen if seen.method == "POST"])
            port = running.settings.http_port
        sent = next(seen for seen in stub.seen if seen.method == "POST")
        assert sent.target == "/api/am/service-catalog/v1/services/import?overwrite=true"
        assert sent.headers["authorization"].startswith("Basic ")
        packed = sent.body[sent.body.index(b"PK\x03\x04") : sent.body.index(b"\r\n--", sent.body.index(b"PK\x05\x06"))]
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            assert sorted(archive.namelist()) == [
                "a/definition.yaml",
                "a/metadata.yaml",
                "p/definition.wsdl",
                "p/metadata.yaml",
            ]
            assert f"http://mi.example:{port}/a" in archive.read("a/metadata.yaml").decode()
            assert "version: '1.10'" in archive.read("a/metadata.yaml").decode()
            assert "from the car" in archive.read("a/definition.yaml").decode()
            wsdl = archive.read("p/definition.wsdl").decode()
        assert 'location="https://mi.example/services/p"' in wsdl and "mediate" in wsdl
        verifier = json.loads(sent.body[sent.body.rindex(b"[{") : sent.body.rindex(b"}]") + 2])
        assert [item["key"] for item in verifier] == ["a-1", "p-1"]
        known = json.dumps({"list": [{"serviceKey": item["key"], "md5": item["md5"]} for item in verifier]})
    async with backend([{"method": "GET", "body": known}, {"method": "POST"}]) as stub:
        write(
            home,
            "conf",
            "deployment.toml",
            table.replace(host, f"http://127.0.0.1:{stub.port}"),
        )
        async with integrator(home, port_offset=running.settings.port_offset):
            await eventually(lambda: stub.seen)
        assert [seen.method for seen in stub.seen] == ["GET"]
