"""Policies at a real gateway: order, streaming, bounds, agents and interceptors, one-time tokens, what custom ones may not do."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections import Counter as Tally
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway import schema
from gateway.compile import Compiler
from gateway.services import Services
from gateway.settings import Settings
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.scripted import Script, Scripted
from tests.support.ports import free_port
from tests.support.wait import until


def use(name: str, definition: str = "", **parameters: Any) -> schema.PolicyUse:
    """A policy in a flow."""
    return schema.PolicyUse(name, parameters=parameters, definition=definition)


def flows(request: Any = (), response: Any = (), fault: Any = ()) -> schema.Flows:
    """Flows of single policies or several."""

    def listed(given: Any) -> tuple[schema.PolicyUse, ...]:
        return (given,) if isinstance(given, schema.PolicyUse) else tuple(given)

    return schema.Flows(listed(request), listed(response), listed(fault))


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    """A backend with answers of the tests' own."""
    one = Scripted()
    yield one
    one.stop()


def deploy(
    served: Served, scripted: Scripted, name: str, wanted: schema.Flows, auth: str = "none", **changes: Any
) -> str:
    """An API `name` with these flows in its operations; gives its path."""
    operations = [schema.Operation(verb, "/*", auth=auth, flows=wanted) for verb in ("GET", "POST")]  # type: ignore[arg-type]
    record = world.api(name, scripted.url(name), *operations, **changes)
    served.publish(("api", f"Default:id-{name}", record), world.subscription(name))
    return f"/{name}/1.0/x"


def test_policies_of_the_api_run_before_those_of_the_operation_in_their_order(
    served: Served, scripted: Scripted
) -> None:
    def query(value: str) -> schema.PolicyUse:
        return use("addQueryParam", paramKey="p", paramValue=value)

    path = deploy(
        served, scripted, "ordered", flows([query("c"), query("d"), query("c")]), flows=flows([query("a"), query("b")])
    )
    assert served.gateway.call(path).status == 200
    assert scripted.last("ordered").target == "/x?p=a&p=b&p=c&p=d&p=c"


async def test_an_operation_without_policies_has_the_endpoints_own_step() -> None:
    plain = schema.Operation("GET", "/plain", auth="none")
    marked = schema.Operation(
        "GET", "/marked", auth="none", flows=flows(response=use("addHeader", headerName="x", headerValue="y"))
    )
    compiled = Compiler(Services(Settings())).api(world.api("x", "http://127.0.0.1:1", plain, marked), {})
    first, second = (compiled.resources.find(b"GET", path) for path in (b"/plain", b"/marked"))
    assert first is not None and second is not None
    assert first.steps[-1].__qualname__ == "hot.<locals>.endpoint"
    assert second.steps[-1].__qualname__ != "hot.<locals>.endpoint"
    assert first.stages == ("cors", "endpoint")


def test_fixed_header_changes_leave_the_answer_streaming(served: Served, scripted: Scripted) -> None:
    seen = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def backend() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-old: 1\r\n\r\n5\r\nfirst\r\n")
                assert seen.wait(10)
                connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

        thread = threading.Thread(target=backend, daemon=True)
        thread.start()
        wanted = flows(
            response=[use("addHeader", headerName="X-New", headerValue="2"), use("removeHeader", headerName="X-Old")]
        )
        operation = schema.Operation("GET", "/x", auth="none", flows=wanted)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        served.publish(("api", "Default:id-streams", world.api("streams", url, operation)))
        with socket.create_connection(("127.0.0.1", served.gateway.http), timeout=10) as caller:
            caller.sendall(b"GET /streams/1.0/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = b""
            while b"first" not in answer:
                piece = caller.recv(65536)
                assert piece, answer
                answer += piece
            seen.set()
            while piece := caller.recv(65536):
                answer += piece
        thread.join(10)
    assert b"second" in answer
    assert b"X-New" not in answer and b"x-new: 2\r\n" in answer and b"x-old" not in answer


def test_refusals_of_the_checks_are_no_matter_of_the_fault_flow(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "checked", flows(fault=use("jsonFault")), auth="any")
    answer = served.gateway.call(path)
    assert (answer.status, answer.json["code"]) == (401, "900902")
    scripted.scripts["checked"] = Script(cut=True)
    answer = served.gateway.call(path, token=served.signer.token())
    assert (answer.status, answer.json["fault"]["code"]) == (500, 101505)


def test_a_backend_that_cannot_be_reached_runs_the_fault_flow(served: Served) -> None:
    operation = schema.Operation("GET", "/x", auth="none", flows=flows(fault=use("jsonFault")))
    served.publish(("api", "Default:id-away", world.api("away", f"http://127.0.0.1:{free_port()}", operation)))
    answer = served.gateway.call("/away/1.0/x")
    assert (answer.status, answer.json["fault"]["code"]) == (500, 101503)


def test_the_second_caller_gets_nothing_of_the_first(served: Served, scripted: Scripted) -> None:
    wanted = flows(
        use("addHeader", headerName="X-Who", headerValue="${header.X-Me}"),
        use("addHeader", headerName="X-You", headerValue="${$ctx:X}"),
    )
    path = deploy(served, scripted, "apart", wanted)
    for who in ("ann", "bob", ""):
        answer = served.gateway.call(path, headers={"X-Me": who} if who else {})
        assert scripted.last("apart").headers["x-who"] == who
        assert answer.headers["x-you"] == ""


def test_compressed_bodies_are_looked_into(served: Served, scripted: Scripted) -> None:
    path = deploy(
        served,
        scripted,
        "zipped",
        flows([use("jsonValidator", maxStringLength="5"), use("regexPolicy", enabledCheckHeaders=False)]),
    )
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    def sent(data: bytes, **more: str) -> Any:
        return served.gateway.call(path, "POST", body=data, headers=headers | more)

    good = gzip.compress(b'{"a":"12345"}')
    assert sent(good).status == 200
    assert scripted.last("zipped").body == good
    assert "Max String Length" in sent(gzip.compress(b'{"a":"123456"}')).json["description"]
    assert "Threat detected in Payload" in sent(gzip.compress(b'{"a":"al\'"}')).json["description"]
    bomb = gzip.compress(b'["' + b"a" * 40_000_000 + b'"]')
    assert sent(bomb).status == 413
    assert sent(good[:-8]).status == 400
    assert "not one of gzip, deflate" in sent(b"x", **{"content-encoding": "br"}).json["description"]
    four = gzip.compress(gzip.compress(gzip.compress(good)))
    assert sent(four, **{"content-encoding": "gzip, gzip, gzip, gzip"}).status == 200
    five = sent(gzip.compress(four), **{"content-encoding": "gzip, gzip, gzip, gzip, gzip"})
    assert (five.status, "5 content-encodings are more than 4" in five.json["description"]) == (400, True)


def test_the_agent_decides(served: Served, scripted: Scripted) -> None:
    agent = use(
        "opaPolicy",
        serverUrl=scripted.url("opa") + "/v1/data",
        policy="menu/read",
        rule="may",
        accessKey="s3cret",
        sendAccessToken=True,
    )
    path = deploy(served, scripted, "guarded", flows(agent), auth="any")
    token = served.signer.token()

    def asked(body: bytes, status: int = 200) -> Any:
        scripted.scripts["opa"] = Script(status, body=body)
        return served.gateway.call(
            f"{path}?apikey=hide&a=b", token=token, headers={"X-Forwarded-For": "9.9.9.9, 1.1.1.1"}
        )

    assert asked(b'{"result": true}').status == 200
    seen = scripted.last("opa")
    assert (seen.method, seen.target, seen.headers["authorization"]) == (
        "POST",
        "/v1/data/menu/read/may",
        "Bearer s3cret",
    )
    told = json.loads(seen.body)["input"]
    assert told["method"] == "GET" and told["path"] == "/guarded/1.0/x?a=b" and told["requestOrigin"] == "127.0.0.1"
    assert told["apiContext"]["applicationName"] == "App 1" and told["apiContext"]["accessToken"] == token
    assert "authorization" not in told["transportHeaders"]
    before = scripted.calls("guarded")
    for body, status, expected in [
        (b'{"result": false}', 200, (403, "901101")),
        (b"{}", 200, (500, "901103")),
        (b'{"result": "yes"}', 200, (500, "901103")),
        (b"[]", 200, (500, "901103")),
        (b"nonsense", 200, (500, "901103")),
        (b'{"result": true}', 500, (500, "901103")),
    ]:
        answer = asked(body, status)
        assert (answer.status, answer.json["code"]) == expected, body
    scripted.scripts["opa"] = Script(cut=True)
    assert served.gateway.call(path, token=token).json["code"] == "901102"
    assert scripted.calls("guarded") == before


def test_an_interceptor_changes_requests_and_answers(served: Served, scripted: Scripted) -> None:
    both = use(
        "ccCallInterceptorService",
        interceptorServiceURL=scripted.url("interceptor"),
        includes="request_header,request_body,response_body,invocation_context",
    )
    path = deploy(served, scripted, "intercepted", flows(both, both), api_key_header="X-Pass")
    import base64

    changed = base64.b64encode(b'{"changed":true}').decode()
    said = {
        "headersToAdd": {"X-Added": "1"},
        "headersToReplace": {"X-Old": "new"},
        "headersToRemove": ["X-Gone"],
        "body": changed,
    }
    scripted.scripts["interceptor"] = Script(body=json.dumps(said).encode())
    headers = {"X-Old": "o", "X-Gone": "g", "content-type": "application/json"}
    answer = served.gateway.call(path, "POST", body=b"{}", headers=headers | {"X-Pass": "a key"})
    seen = scripted.last("intercepted")
    assert (seen.headers["x-added"], seen.headers["x-old"], seen.body) == ("1", "new", b'{"changed":true}')
    assert "x-gone" not in seen.headers
    assert (answer.status, answer.body, answer.headers["x-added"]) == (200, b'{"changed":true}', "1")
    first, second = scripted.seen["interceptor"]
    assert (first.target, second.target) == ("/api/v1/handle-request", "/api/v1/handle-response")
    assert json.loads(first.body)["requestHeaders"]["x-old"] == "o"
    assert "x-pass" not in json.loads(first.body)["requestHeaders"]
    assert json.loads(first.body)["requestBody"] == base64.b64encode(b"{}").decode()
    assert json.loads(first.body)["invocationContext"]["apiName"] == "intercepted"
    assert json.loads(second.body)["responseCode"] == 200
    direct = {"directRespond": True, "responseCode": 402, "body": base64.b64encode(b"pay").decode()}
    scripted.scripts["interceptor"] = Script(body=json.dumps(direct).encode())
    before = scripted.calls("intercepted")
    answer = served.gateway.call(path, "POST", body=b"{}", headers=headers)
    assert (answer.status, answer.body, scripted.calls("intercepted")) == (402, b"pay", before)
    scripted.scripts["interceptor"] = Script(500)
    answer = served.gateway.call(path, "POST", body=b"{}", headers=headers)
    assert (answer.status, answer.json["code"]) == (500, "103500")


def test_a_one_time_token_is_good_for_one_call_over_all_workers(
    tmp_path: Path, redis_url: str, scripted: Scripted, signer: world.Signer
) -> None:
    hub = FakeHub(redis_url).start()
    wanted = flows(use("revokeOneTimeToken", scope="OTT"))
    api = world.api("once", scripted.url("once"), schema.Operation("GET", "/x", flows=wanted))
    records: list[Any] = [("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1)]
    for record in [*records, ("api", "Default:id-once", api), world.subscription("once")]:
        hub.publish(*record)
    with running_gateway(tmp_path, hub.url, redis_url, workers=2) as gateway:
        for _ in range(10):
            gateway.until_sequence(hub.sequence)
        often = signer.token()
        assert {gateway.call("/once/1.0/x", token=often).status for _ in range(4)} == {200}
        for _ in range(3):
            token = signer.token(scope="default OTT")
            with ThreadPoolExecutor(8) as pool:
                statuses = Tally(pool.map(lambda _, t=token: gateway.call("/once/1.0/x", token=t).status, range(16)))
            assert statuses == {200: 1, 401: 15}
    hub.stop()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (flows(use("nonsense")), "policy 'nonsense' is not known to this gateway"),
        (flows(use("addHeader", headerValue="x")), "attribute headerName is required"),
        (flows(use("addHeader", headerName="a b", headerValue="x")), "attribute headerName 'a b'"),
        (flows(use("addHeader", headerName="Content-Length", headerValue="1")), "the gateway writes it itself"),
        (flows(use("addHeader", headerName="a", headerValue="x\r\ny: z")), "line break"),
        (flows(use("addHeader", headerName="a", headerValue="${path.id}")), "no path parameter 'id'"),
        (flows(use("addHeader", headerName="a", headerValue="${$body//}")), "attribute headerValue"),
        (flows(use("addHeader", headerName="a", headerValue="${get-property('env', 'PATH')}")), "scope 'env'"),
        (flows(use("changeHTTPMethod", httpMethod="BREW")), "'BREW' is not one of GET"),
        (flows(use("jsonValidator", maxJsonDepth="deep")), "attribute maxJsonDepth 'deep'"),
        (flows(use("regexPolicy", threatType="Custom", regex="(")), "attribute regex"),
        (flows(use("opaPolicy", serverUrl="ftp://x", policy="p")), "attribute serverUrl"),
        (flows(response=use("jsonValidator")), "cannot stand in the response flow"),
        (flows(use("own", "<nonsense/>")), "unknown mediator <nonsense>"),
        (flows(use("own", "<property name='a'")), "not well-formed XML"),
        (flows(use("own", "{% if %}")), "cannot be rendered"),
        (flows(use("own", "<dbreport/>")), "mediator <dbreport> is not open to policies"),
        (flows(use("own", "<store messageStore='x'/>")), "mediator <store> is not open to policies"),
        (flows(use("own", "<property name='a' expression=\"get-property('env','PATH')\"/>")), "scope 'env'"),
        (flows(use("own", "<property name='a' expression=\"get-property(concat('e','nv'),'PATH')\"/>")), "literals only"),
        (flows(use("own", "<property name='a' value='b' scope='system'/>")), "scope 'system'"),
        (flows(use("own", "<call><endpoint><http method='get' uri-template='$ENV:HOME'/></endpoint></call>")), "$ENV:"),
    ],
)  # fmt: skip
async def test_policies_that_cannot_be_run_are_refused_by_name(wanted: schema.Flows, reason: str) -> None:
    operation = schema.Operation("GET", "/x", auth="none", flows=wanted)
    with pytest.raises(ValueError, match="(?s)") as raised:
        Compiler(Services(Settings())).api(world.api("x", "http://127.0.0.1:1", operation), {})
    assert reason in str(raised.value)


def test_a_refused_policy_leaves_the_predecessor_serving(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "kept", flows(response=use("addHeader", headerName="x", headerValue="1")))
    deploy(served, scripted, "kept", flows(use("nonsense")))
    assert served.gateway.call(path).headers["x"] == "1"
    assert "policy 'nonsense' is not known" in served.gateway.log


def test_policies_have_no_files(served: Served, scripted: Scripted) -> None:
    text = "<payloadFactory media-type='text'><format key='file:/etc/hostname'/><args/></payloadFactory><respond/>"
    path = deploy(served, scripted, "nofiles", flows(use("own", text)))
    answer = served.gateway.call(path)
    assert answer.status == 500
    assert Path("/etc/hostname").read_bytes().strip() not in answer.body


def test_the_log_policy_says_no_secrets(served: Served, scripted: Scripted) -> None:
    wanted = flows(use("debugRequestFlow"), use("addLogMessage"))
    path = deploy(served, scripted, "logged", wanted, auth="any", api_key_header="X-Pass")
    token = served.signer.token()
    scripted.scripts["logged"] = Script(body=b"what the backend says")
    headers = {"X-Seen": "this-is-seen", "Cookie": "session=hidden", "X-Pass": "a-key-of-somebody"}
    assert served.gateway.call(path, "POST", token, b"what the caller says", headers).status == 200
    log = served.gateway.log
    assert all(text in log for text in ("this-is-seen", "what the caller says", "what the backend says"))
    assert not any(secret in log for secret in (token, "session=hidden", "a-key-of-somebody"))


@pytest.fixture(scope="module")
def tight(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, scripted: Scripted
) -> Iterator[tuple[Gateway, FakeHub]]:
    """A gateway whose policies may read little and take little time."""
    hub = FakeHub(redis_url).start()
    limits = {"GATEWAY_POLICY_BODY": "2048", "GATEWAY_POLICY_SECONDS": "0.3", "GATEWAY_POLL_SECONDS": "0.1"}
    with running_gateway(tmp_path_factory.mktemp("tight"), hub.url, redis_url, **limits) as gateway:
        yield gateway, hub
    hub.stop()


def put(tight: tuple[Gateway, FakeHub], scripted: Scripted, name: str, wanted: schema.Flows) -> str:
    """An API at the tight gateway."""
    gateway, hub = tight
    operations = [schema.Operation(verb, "/x", auth="none", flows=wanted) for verb in ("GET", "POST")]
    hub.publish("api", f"Default:id-{name}", world.api(name, scripted.url(name), *operations))
    gateway.until_sequence(hub.sequence)
    return f"/{name}/1.0/x"


def test_bodies_that_policies_read_are_bounded(tight: tuple[Gateway, FakeHub], scripted: Scripted) -> None:
    gateway, _ = tight
    path = put(tight, scripted, "reads", flows(use("jsonValidator", maxStringLength="9999"), use("jsonToXML")))
    headers = {"content-type": "application/json"}
    scripted.scripts["reads"] = Script(body=b"{}")
    assert gateway.call(path, "POST", body=b'"' + b"a" * 2000 + b'"', headers=headers).status == 200
    answer = gateway.call(path, "POST", body=b'"' + b"a" * 3000 + b'"', headers=headers)
    assert (answer.status, answer.json["code"]) == (413, "413")
    scripted.scripts["reads"] = Script(body=b'"' + b"a" * 3000 + b'"')
    assert gateway.call(path).status == 500
    assert gateway.call("/healthz").status == 200
    streaming = put(tight, scripted, "passes", flows(response=use("addHeader", headerName="x", headerValue="y")))
    scripted.scripts["passes"] = Script(body=b"a" * 100_000)
    assert len(gateway.call(streaming).body) == 100_000


def test_custom_policies_have_little_time(tight: tuple[Gateway, FakeHub], scripted: Scripted) -> None:
    gateway, _ = tight
    scripted.scripts["slow"] = Script(seconds=2.0)
    url = scripted.url("slow")
    text = f"<call><endpoint><http method='get' uri-template='{url}/x'/></endpoint></call>"
    path = put(tight, scripted, "hurried", flows(use("own", text)))
    answer = gateway.call(path)
    assert (answer.status, answer.json["code"]) == (500, "101504")
    assert scripted.calls("hurried") == 0


def test_a_custom_policy_may_call_elsewhere_and_go_on_with_the_answer(served: Served, scripted: Scripted) -> None:
    scripted.scripts["elsewhere"] = Script(body=b'{"rate": 7}')
    text = (
        "<call><endpoint><http method='get' uri-template='%s/rate'/></endpoint></call>"
        "<property name='X-Rate' expression='json-eval($.rate)' scope='transport'/>"
    )
    path = deploy(served, scripted, "asking", flows(use("own", text % scripted.url("elsewhere"))))
    assert served.gateway.call(path).status == 200
    assert scripted.last("elsewhere").target == "/rate"
    assert scripted.last("asking").headers["x-rate"] == "7"


def in_flight(served: Served) -> str:
    """The gauge of calls under way."""
    page = served.gateway.call("/metrics").body.decode()
    return next(line.rpartition(" ")[2] for line in page.splitlines() if line.startswith("gateway_in_flight{"))


def test_a_caller_that_leaves_ends_the_asking(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "leaving", flows(response=use("xmlToJson")))
    scripted.scripts["leaving"] = Script(seconds=1.0)
    with socket.create_connection(("127.0.0.1", served.gateway.http), timeout=10) as caller:
        caller.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        until(lambda: scripted.calls("leaving") > 0, seconds=10, what="the backend is asked")
    until(lambda: in_flight(served) == "0", seconds=10, what="nothing is under way")
    assert "499" in served.gateway.call("/metrics").body.decode()


def test_a_body_that_comes_slowly_and_is_never_complete_harms_nobody(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "halfway", flows(use("jsonValidator")))
    with socket.create_connection(("127.0.0.1", served.gateway.http), timeout=10) as caller:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
        caller.sendall(head.encode() + b'{"a": ')
        assert served.gateway.call(path).status == 200
    until(lambda: in_flight(served) == "0", seconds=10, what="nothing is under way")
    assert scripted.calls("halfway") == 1


def test_a_caller_that_waits_for_100_continue_is_told_to_go_on(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "polite", flows(use("jsonToXML")))
    fields = "host: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 7\r\n"
    head = f"POST {path} HTTP/1.1\r\n{fields}\r\n"
    with socket.create_connection(("127.0.0.1", served.gateway.http), timeout=10) as caller:
        caller.sendall(head.encode())
        assert caller.recv(1024).startswith(b"HTTP/1.1 100 ")
        caller.sendall(b'{"a":1}')
        answer = caller.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert scripted.last("polite").body == b"<jsonObject><a>1</a></jsonObject>"


def test_policies_hold_under_parallel_callers(served: Served, scripted: Scripted) -> None:
    wanted = flows(
        use("addHeader", headerName="X-Who", headerValue="${header.X-Me}"), use("xmlToJson"), use("jsonFault")
    )
    path = deploy(served, scripted, "crowd", wanted)
    scripted.scripts["crowd"] = Script(headers={"content-type": "application/xml"}, body=b"<a>1</a>")

    def one(number: int) -> bool:
        answer = served.gateway.call(path, headers={"X-Me": str(number)})
        return answer.status == 200 and answer.json == {"a": 1}

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(200)))
    assert sorted(int(seen.headers["x-who"]) for seen in scripted.seen["crowd"]) == list(range(200))
