"""Deployment: any bytes give a deployment or a DeploymentError; a bad change leaves what ran; a good one is swapped in."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrator.engine.artifacts import KINDS, read_artifact
from integrator.engine.deploy.capp import read_car
from integrator.engine.errors import DeploymentError
from integrator.engine.mediators.base import known
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import SERVER, eventually, integrator, write

API = (
    '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET"><inSequence>'
    "<payloadFactory media-type='text'><format>{}</format><args/></payloadFactory><respond/></inSequence></resource></api>"
)
NAMES = st.sampled_from(
    [*known(), "target", "source", "args", "format", "case", "endpoint", "http", "address", "arg", "then"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "value",
            "expression",
            "xpath",
            "source",
            "regex",
            "key",
            "type",
            "scope",
            "action",
            "sequence",
            "uri",
            "id",
        ]
    ),
    st.sampled_from(
        ["", "a", "{$ctx:a}", "//a", "json-eval($.a)", "(", "set", "custom", "default", "7", "true", "{", "$.a["]
    ),
    max_size=4,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """Random trees of names and attributes that artifacts use."""
    name = draw(NAMES)
    attributes = "".join(f' {key}="{value}"' for key, value in draw(ATTRIBUTES).items())
    inner = "".join(draw(st.lists(elements(depth - 1), max_size=3))) if depth else draw(st.sampled_from(["", "text"]))
    return f"<{name}{attributes}>{inner}</{name}>"


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=200))
def test_any_bytes(kind: str, data: bytes) -> None:
    """Bytes that are no artifact are refused, never more."""
    with pytest.raises(DeploymentError):
        read_artifact(kind, data, "f.xml")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(elements())
def test_any_elements(text: str) -> None:
    """Trees of known words give a sequence or a DeploymentError with the file."""
    try:
        read_artifact(
            "sequences", f'<sequence xmlns="http://ws.apache.org/ns/synapse" name="s">{text}</sequence>', "f.xml"
        )
    except DeploymentError as error:
        assert error.place.file == "f.xml"


@given(st.binary(max_size=200))
def test_any_car(data: bytes) -> None:
    """A car that is no zip is refused."""
    with pytest.raises(DeploymentError):
        read_car(data, "f.car")


def test_records_write_what_they_read() -> None:
    """Reading and writing a mediator gives the same XML."""
    text = '<sequence xmlns="http://ws.apache.org/ns/synapse" name="s"><log level="custom"><property name="a" value="b"/></log></sequence>'  # noqa: E501
    sequence = read_artifact("sequences", text, "f.xml").value
    again = sequence.mediators[0].write()
    assert again.tag.endswith("log") and again[0].get("value") == "b"


@covers("deploy.hot")
async def test_hot_deployment(tmp_path: Path) -> None:
    """New, changed, broken and removed files take effect without a restart."""
    home = tmp_path / "home"
    async with integrator(home) as running:

        async def answers(status: int, text: str) -> bool:
            answer = await running.call("GET", "/t")
            return (answer.status, answer.body.decode()) == (status, text)

        assert await answers(404, "")
        file = write(home, "api", "t", API.format("one"))
        await eventually(lambda: answers(200, "one"))
        write(home, "api", "t", API.format("two!"))
        await eventually(lambda: answers(200, "two!"))
        file.write_text("<api")
        await eventually(lambda: running.service.engine.deployment.errors)
        assert await answers(200, "two!")
        write(home, "api", "t2", API.format("other").replace('"t"', '"t2"'))
        await eventually(lambda: len(running.service.engine.deployment.errors) == 2)
        file.unlink()
        await eventually(lambda: answers(200, "other"))
        assert running.service.engine.deployment.errors == ()


def car(parts: dict[str, str], dependencies: str) -> bytes:
    """A car with one API."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "artifacts.xml",
            f'<artifacts><artifact name="App" version="1.0.0" type="carbon/application">{dependencies}</artifact></artifacts>',
        )
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()


@covers("capp.artifacts.xml", "capp.artifact.xml", "capp.dependency", "capp.faulty", "layout.carbonapps")
async def test_carbon_application(tmp_path: Path) -> None:
    """A car deploys its artifacts and registry resources, or nothing at all."""
    home = tmp_path / "home"
    parts = {
        "t_1.0.0/artifact.xml": '<artifact name="t" version="1.0.0" type="synapse/api" serverRole="EnterpriseIntegrator"><file>t.xml</file></artifact>',  # noqa: E501
        "t_1.0.0/t.xml": API.format("car").replace("<format>car</format>", '<format key="conf:/x.txt"/>'),
        "r_1.0.0/artifact.xml": '<artifact name="r" version="1.0.0" type="registry/resource" serverRole="EnterpriseIntegrator"><file>registry-info.xml</file></artifact>',  # noqa: E501
        "r_1.0.0/registry-info.xml": "<resources><item><file>x.txt</file><path>/_system/config</path></item></resources>",
        "r_1.0.0/resources/x.txt": "from the car",
    }
    both = '<dependency artifact="t" version="1.0.0" serverRole="EnterpriseIntegrator"/><dependency artifact="r" version="1.0.0"/>'  # noqa: E501
    folder = home / SERVER / "carbonapps"
    folder.mkdir(parents=True)
    (folder / "App_1.0.0.car").write_bytes(car(parts, both))
    (folder / "Bad_1.0.0.car").write_bytes(car(parts, '<dependency artifact="missing" version="1.0.0"/>'))
    async with integrator(home) as running:
        answer = await running.call("GET", "/t")
        assert (answer.status, answer.body) == (200, b"from the car")
        errors = running.service.engine.deployment.errors
        assert [error.place.file.rpartition("/")[2] for error in errors] == ["Bad_1.0.0.car!artifacts.xml"]


@covers("capp.serverRole", "capp.name", "capp.metadata", "capp.artifactContainer")
async def test_what_a_car_says_of_itself(tmp_path: Path) -> None:
    """Other servers' artifacts are left out, a car without a name is called like its file, metadata is no artifact."""
    home = tmp_path / "home"
    head = '<artifact name="{0}" version="1.0.0" type="{1}" serverRole="{2}"><file>{0}.xml</file></artifact>'
    parts = {
        "t_1.0.0/artifact.xml": head.format("t", "synapse/api", "EnterpriseServiceBus"),
        "t_1.0.0/t.xml": API.format("car"),
        "o_1.0.0/artifact.xml": head.format("o", "synapse/api", "SomethingElse"),
        "o_1.0.0/o.xml": "<not read",
        "metadata/t_swagger_1.0.0/t_swagger-1.0.0.yaml": "openapi: 3.0.1\ninfo: {title: of the car, version: 1.0.0}\n",
    }
    both = "".join(f'<dependency artifact="{name}" version="1.0.0"/>' for name in "to")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "artifacts.xml", f'<artifacts><artifact type="carbon/application">{both}</artifact></artifacts>'
        )
        for name, text in parts.items():
            archive.writestr(name, text)
    folder = home / SERVER / "carbonapps"
    folder.mkdir(parents=True)
    (folder / "Nameless.car").write_bytes(packed.getvalue())
    async with integrator(home) as running:
        deployment = running.service.engine.deployment
        assert [str(error) for error in deployment.errors] == []
        assert [(app.name, [part.name for part in app.parts]) for app in deployment.applications] == [
            ("Nameless", ["t"])
        ]
        assert deployment.artifacts[("api", "t")].container == "Nameless"
        assert b"of the car" in (await running.call("GET", "/t?swagger.json")).body
