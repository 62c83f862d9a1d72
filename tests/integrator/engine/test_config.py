"""conf/deployment.toml: references, what has an effect, what is told of the rest (reference 1.5, 1.6, 1.7)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from integrator.engine.config_keys import remarks
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, text_api
from tests.integrator.engine.harness import eventually, integrator, write

REFERENCES = """[server]
hostname = "$env{HOST_OF_TEST}"
[house]
name = "$ref{server.hostname}"
password = "$secret{alias}"
both = "$sys{HOST_OF_TEST}/$secret{bare}"
loop = "$ref{house.loop}"
[secrets]
alias = "[plain text]"
bare = "$env{SECRET_OF_TEST}"
"""


@covers("inject.toml")
async def test_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$env, $sys, $ref and $secret, through each other; what has no value is told, and all else goes on."""
    monkeypatch.setenv("HOST_OF_TEST", "host.example")
    monkeypatch.setenv("SECRET_OF_TEST", "s3cret")
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", REFERENCES + '[[service_catalog]]\napim_host = "$env{NOBODY_SET_THIS}"\n')
    write(home, "api", "t", text_api("t", "runs"))
    async with integrator(home) as running:
        config = running.service.engine.deployment.config
        assert config.hostname == "host.example"
        assert config.tables["house"] == {
            "name": "host.example",
            "password": "plain text",
            "both": "host.example/s3cret",
            "loop": "",
        }
        assert [str(error) for error in running.service.engine.deployment.errors] == [
            "conf/deployment.toml: $env{NOBODY_SET_THIS} has no value: the environment has no NOBODY_SET_THIS",
            "conf/deployment.toml: $ref{house.loop} refers to itself",
        ]
        assert (await running.call("GET", "/t")).body == b"runs"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"server": {"hostname": "a", "hot_deployment": True}}, []),
        ({"server": {"hotdeployment": True}}, ["[server] hotdeployment is not known, did you mean hot_deployment?"]),
        ({"mediaton": {"x": 1}}, ["[mediaton] x is not known, did you mean [mediation]?"]),
        ({"zzz": {}}, ["[zzz] is not known; it has no effect"]),
        ({"analytics": {"enabled": True, "prefix": "A", "api_analytics": {"enabled": False}}}, []),
        ({"analytics": {"enable": True}}, ["[analytics] enable is not known, did you mean enabled?"]),
        (
            {
                "opentelemetry": {
                    "enable": True,
                    "url": "http://c",
                    "headers": {"a": "b"},
                    "properties": [{"name": "a"}],
                }
            },
            [],
        ),
        ({"transport": {"http": {"default_content_type": "text/plain"}}}, []),
        (
            {"mediation": {"synapse": {"core_threads": 20}}, "transport": {"http": {"io_buffer_size": 1}}},
            ["without an effect here: [mediation] synapse.core_threads, [transport] http.io_buffer_size"],
        ),
        (
            {
                "mediation": {
                    "synapse.global_timeout_interval": 1,
                    "synapse": {"rest": {"CORSConfig": {"enabled": True}}},
                }
            },
            [],
        ),
        (
            {"datasource": [{"id": "a", "pool_options": {"maxActive": 5}}, {"idd": "b"}]},
            ["[datasource] idd is not known, did"],
        ),
    ],
)
def test_remarks(tables: dict[str, object], said: list[str]) -> None:
    """Unknown keys are told each with the nearest known one; those of a Java server together."""
    found = remarks(tables)
    assert len(found) == len(said) and all(part in text for part, text in zip(said, found, strict=True)), found


@covers("config.deployment.toml")
async def test_what_has_an_effect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The host name of definitions, the longest wait, CORS, the switch of hot deployment; the rest is told in the log."""
    home = tmp_path / "home"
    text = (
        '[server]\nhostname = "mi.example"\nhot_deployment = false\ncolour = "blue"\n[mediation]\n'
        "synapse.global_timeout_interval = 1234\nsynapse.core_threads = 7\n"
        '"synapse.rest.CORSConfig.Access-Control-Allow-Origin" = "https://a"\n'
    )
    write(home, "conf", "deployment.toml", text)
    write(home, "api", "t", api("t", "<property name='h' expression=\"get-property('SERVER_HOST')\"/><respond/>"))
    with caplog.at_level(logging.WARNING, "integrator.deployment"):
        async with integrator(home) as running:
            assert running.service.engine.runtime.global_timeout_ms == 1234
            assert running.service.engine.deployment.config.hostname == "mi.example"
            answer = await running.call("GET", "/t", {"origin": "https://a"})
            assert answer.headers["access-control-allow-origin"] == "https://a"
    said = [record.getMessage() for record in caplog.records]
    assert any("[server] colour is not known" in text for text in said)
    assert any("without an effect here: [mediation] synapse.core_threads" in text for text in said)


async def test_no_hot_deployment(tmp_path: Path) -> None:
    """With hot_deployment = false files that come later wait for the next start."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", "[server]\nhot_deployment = false\n")
    async with integrator(home, scan_s=0.001) as running:
        engine, looked = running.service.engine, []
        refresh = engine.refresh
        engine.refresh = lambda: looked.append(1) or refresh()
        write(home, "api", "t", text_api("t", "late"))
        for _ in range(20):
            assert (await running.call("GET", "/t")).status == 404
        assert looked == []
    async with integrator(home) as running:
        assert (await running.call("GET", "/t")).body == b"late"


async def test_a_broken_file_keeps_what_was_known(tmp_path: Path) -> None:
    """A configuration that cannot be read is refused with its line; the one before goes on."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", '[server]\nhostname = "first.example"\n')
    async with integrator(home) as running:
        engine = running.service.engine
        write(home, "conf", "deployment.toml", "[server\n")
        await eventually(lambda: engine.deployment.errors)
        assert "conf/deployment.toml" in str(engine.deployment.errors[0]) and "line 1" in str(
            engine.deployment.errors[0]
        )
        assert engine.deployment.config.hostname == "first.example"


@covers("ports")
async def test_ports(tmp_path: Path) -> None:
    """The offset moves the three ports of the server, as the original's defaults with its offset of 10; fixed paths stay."""
    home = tmp_path / "home"
    write(
        home,
        "proxy-services",
        "p",
        f'<proxy {NS} name="p"><target><inSequence><respond/></inSequence></target></proxy>',
    )
    async with integrator(home) as running:
        settings = running.settings
        base = settings.port_offset
        assert (settings.http_port, settings.https_port, settings.management_port) == (
            8290 + base,
            8253 + base,
            9164 + base,
        )
        answer = await running.request(
            f"http://127.0.0.1:{8290 + base}/services/p", "POST", {"content-type": "text/plain"}, b"x"
        )
        assert (answer.status, answer.body) == (200, b"x")
