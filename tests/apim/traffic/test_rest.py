"""REST of the admin contract: policies of each level, custom rules, deny policies, export and import."""

from __future__ import annotations

import json

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from apim.keymanager.rest import Token
from apim.traffic import hooks
from apim.traffic.api.limits import present
from apim.traffic.models import DenyPolicy, Policy
from gateway import schema

pytestmark = pytest.mark.django_db
REQUESTS = {"type": "REQUESTCOUNTLIMIT", "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 20}}
BANDWIDTH = {
    "type": "BANDWIDTHLIMIT",
    "bandwidth": {"timeUnit": "hour", "unitTime": 2, "dataAmount": 3, "dataUnit": "MB"},
}
QUERY = """FROM RequestStream
SELECT userId, ( userId == 'admin@carbon.super' ) AS isEligible , str:concat('admin@carbon.super','') as throttleKey
INSERT INTO EligibilityStream;

FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min)
SELECT throttleKey, (count(userId) >= 10) as isThrottled, expiryTimeStamp group by throttleKey
INSERT ALL EVENTS into ResultStream;"""
CONDITIONS = [
    {
        "type": "HEADERCONDITION",
        "invertCondition": False,
        "headerCondition": {"headerName": "Host", "headerValue": "10.100.7.77"},
    },
    {
        "type": "IPCONDITION",
        "invertCondition": False,
        "ipCondition": {
            "ipConditionType": "IPSPECIFIC",
            "specificIP": "10.100.1.22",
            "startingIP": None,
            "endingIP": None,
        },
    },
    {
        "type": "IPCONDITION",
        "invertCondition": True,
        "ipCondition": {
            "ipConditionType": "IPRANGE",
            "specificIP": None,
            "startingIP": "2001:db8::1",
            "endingIP": "2001:db8::9",
        },
    },
    {
        "type": "QUERYPARAMETERCONDITION",
        "invertCondition": False,
        "queryParameterCondition": {"parameterName": "name", "parameterValue": "admin"},
    },
    {
        "type": "JWTCLAIMSCONDITION",
        "invertCondition": True,
        "jwtClaimsCondition": {"claimUrl": "claimUrl0", "attribute": "claimAttr0"},
    },
]


def told(kind: str, key: str) -> schema.Record | None:
    row = Current.objects.filter(kind=kind, key=key).first()
    return msgspec.json.decode(row.record, type=schema.RECORDS[kind]) if row else None


def test_an_advanced_policy_with_conditions_makes_the_round(admin, rest):
    body = {
        "policyName": "Tester",
        "displayName": "Tester",
        "description": "for tests",
        "defaultLimit": BANDWIDTH,
        "conditionalGroups": [{"description": "some", "conditions": CONDITIONS, "limit": REQUESTS}],
    }
    made = rest(admin).call("post", "/throttling/policies/advanced", body)
    assert made.status_code == 201, made.json()
    shown = made.json()
    assert made.headers["Location"] == f"/throttling/policies/advanced/{shown['policyId']}"
    again = rest(admin).call("get", f"/throttling/policies/advanced/{shown['policyId']}").json()
    assert again == shown
    assert (shown["type"], shown["isDeployed"]) == ("AdvancedThrottlePolicy", True)
    assert shown["defaultLimit"]["bandwidth"] == BANDWIDTH["bandwidth"]
    group = shown["conditionalGroups"][0]
    assert group["limit"]["requestCount"] == REQUESTS["requestCount"]
    for sent, given in zip(present(CONDITIONS), group["conditions"], strict=True):
        assert sent.items() <= given.items()
    record = told("policy", "carbon.super:api:Tester")
    assert record.quota == schema.Limit(3 * 1024 * 1024, 7200, "bytes")
    assert record.groups[0].limit == schema.Limit(20, 60)
    assert record.groups[0].conditions == (
        schema.Condition("header", "10.100.7.77", name="Host"),
        schema.Condition("ip", "10.100.1.22"),
        schema.Condition("ip_range", "2001:db8::1", "2001:db8::9", invert=True),
        schema.Condition("query", "admin", name="name"),
        schema.Condition("claim", "claimAttr0", name="claimUrl0", invert=True),
    )
    changed = rest(admin).call(
        "put", f"/throttling/policies/advanced/{shown['policyId']}", body | {"conditionalGroups": []}
    )
    assert changed.json()["conditionalGroups"] == []
    assert told("policy", "carbon.super:api:Tester").groups == ()
    before = AuditRow.objects.get(action="policy.update").before
    assert before["groups"][0]["conditions"][0]["name"] == "Host"


def one(unit: object) -> dict[str, object]:
    """A limit with this part."""
    return {"defaultLimit": {"type": "REQUESTCOUNTLIMIT", "requestCount": unit}}


def grouped(*conditions: object) -> dict[str, object]:
    """One conditional group."""
    return {"conditionalGroups": [{"conditions": list(conditions), "limit": REQUESTS}]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"defaultLimit": None}, "defaultLimit"),
        ({"defaultLimit": {"type": "PLENTY"}}, "defaultLimit.type"),
        ({"defaultLimit": {"type": "REQUESTCOUNTLIMIT"}}, "defaultLimit.requestCount"),
        (one({"timeUnit": "min", "unitTime": 1}), "defaultLimit.requestCount.requestCount"),
        (one({"timeUnit": "eon", "unitTime": 1, "requestCount": 1}), "defaultLimit.requestCount.timeUnit"),
        ({"policyName": ""}, "policyName"),
        ({"policyName": "no blanks"}, "policyName"),
        (grouped(), "conditionalGroups[0].conditions"),
        (grouped({"type": "MOON"}), "conditionalGroups[0].conditions[0].type"),
        ({"conditionalGroups": [{"conditions": [CONDITIONS[0]]}]}, "conditionalGroups[0].limit"),
        (
            grouped({"type": "HEADERCONDITION", "headerCondition": {"headerName": "a", "headerValue": "(a"}}),
            "conditionalGroups[0].conditions[0].value",
        ),
        (
            grouped(CONDITIONS[0], {"type": "IPCONDITION", "ipCondition": {"specificIP": "10.0.0"}}),
            "conditionalGroups[0].conditions[1].value",
        ),
    ],
)
def test_a_mistake_names_its_place(admin, rest, change, field):
    body = {"policyName": "Wrong", "defaultLimit": REQUESTS} | change
    answer = rest(admin).call("post", "/throttling/policies/advanced", body)
    assert (answer.status_code, [one["field"] for one in answer.json()["error"]]) == (400, [field])
    assert not Policy.objects.filter(name="Wrong").exists()


def test_a_subscription_policy_has_all_fields_of_the_contract(admin, rest):
    body = {
        "policyName": "Platinum",
        "defaultLimit": REQUESTS,
        "rateLimitCount": 5,
        "rateLimitTimeUnit": "sec",
        "graphQLMaxComplexity": 400,
        "graphQLMaxDepth": 10,
        "subscriberCount": 7,
        "customAttributes": [{"name": "colour", "value": "red"}],
        "stopOnQuotaReach": False,
        "billingPlan": "COMMERCIAL",
        "monetization": {"monetizationPlan": "FIXEDRATE", "properties": {"fixedPrice": "10"}},
        "permissions": {"permissionType": "ALLOW", "roles": ["Internal/everyone"]},
    }
    made = rest(admin).call("post", "/throttling/policies/subscription", body)
    assert made.status_code == 201, made.json()
    shown = made.json()
    for name in set(body) - {"defaultLimit"}:
        assert shown[name] == body[name], name
    record = told("policy", "carbon.super:subscription:Platinum")
    assert (record.burst, record.stop_on_quota_reach) == (schema.Limit(5, 1), False)
    assert (record.graphql_max_depth, record.graphql_max_complexity, record.subscriber_count) == (10, 400, 7)


def test_lists_search_and_delete(admin, rest):
    client = rest(admin)
    listed = client.call("get", "/throttling/policies/application").json()
    assert {one["policyName"] for one in listed["list"]} == {"10PerMin", "20PerMin", "50PerMin", "Unlimited"}
    unlimited = next(one for one in listed["list"] if one["policyName"] == "Unlimited")
    assert unlimited["defaultLimit"]["requestCount"]["requestCount"] == 2_147_483_647
    found = client.call("get", "/throttling/policies/search?query=type:app").json()
    assert [one["type"] for one in found["list"]] == ["app"] * 4
    assert client.call("get", "/throttling/policies/search?query=type:moon").status_code == 400
    one = client.call("get", "/throttling/policies/search?query=name:10PerMin type:app").json()
    assert [(row["policyName"], row["type"]) for row in one["list"]] == [("10PerMin", "app")]
    assert client.call("get", "/throttling/policies/search?query=name:10PerM type:app").json()["count"] == 0
    assert client.call("get", "/throttling/policies/search?query=name:10PerMin").json()["count"] == 1
    ten = next(one for one in listed["list"] if one["policyName"] == "10PerMin")
    assert client.call("delete", f"/throttling/policies/application/{ten['policyId']}").status_code == 200
    assert client.call("get", f"/throttling/policies/application/{ten['policyId']}").status_code == 404
    assert client.call("get", "/throttling/policies/application/nonsense").status_code == 404
    assert client.call("delete", f"/throttling/policies/application/{unlimited['policyId']}").status_code == 409


def test_a_custom_rule_is_the_platforms(admin, rest, make_user, other_organisation):
    client = rest(admin)
    body = {"policyName": "mine", "description": "d", "siddhiQuery": QUERY, "keyTemplate": "$userId"}
    made = client.call("post", "/throttling/policies/custom", body)
    assert made.status_code == 201, made.json()
    path = f"/throttling/policies/custom/{made.json()['policyId']}"
    assert client.call("get", path).json()["siddhiQuery"] == QUERY
    assert told("custom_rule", "mine") == schema.CustomRule("mine", "$userId", QUERY)
    wrong = client.call("put", path, body | {"siddhiQuery": QUERY.replace("1 min", "1 eon"), "keyTemplate": "userId"})
    assert wrong.status_code == 400
    assert {one["field"] for one in wrong.json()["error"]} == {"siddhiQuery", "keyTemplate"}
    assert "line 5" in str(wrong.json()["error"])
    assert client.call("post", "/throttling/policies/custom", body).status_code == 409
    tenant = rest(make_user(other_organisation, "admin"))
    for verb, at in (
        ("get", "/throttling/policies/custom"),
        ("post", "/throttling/policies/custom"),
        ("get", path),
        ("delete", path),
    ):
        assert tenant.call(verb, at, body if verb == "post" else None).status_code == 403
    assert client.call("delete", path).status_code == 200
    assert told("custom_rule", "mine") is None


@pytest.fixture
def anything_known(monkeypatch):
    monkeypatch.setattr(hooks, "_targets", {"API": lambda _, value: value == "/pizza/1.0"})


def test_deny_policies_are_made_switched_and_deleted(admin, rest, anything_known):
    client = rest(admin)
    bodies = [
        {"conditionType": "API", "conditionValue": "/pizza/1.0"},
        {"conditionType": "USER", "conditionValue": "nobody"},
        {"conditionType": "IP", "conditionValue": {"fixedIp": "10.0.0.1", "invert": False}},
        {
            "conditionType": "IPRANGE",
            "conditionValue": {"startingIp": "10.0.0.1", "endingIp": "10.0.0.9", "invert": True},
        },
    ]
    for body in bodies:
        made = client.call("post", "/throttling/deny-policies", body)
        assert made.status_code == 201, made.json()
        assert (body | {"conditionStatus": True}).items() <= made.json().items()
        assert client.call("post", "/throttling/deny-policies", body).status_code == 409
    ranged = made.json()["conditionId"]
    record = schema.Deny(ranged, "carbon.super", "ip_range", "10.0.0.1-10.0.0.9", True)
    assert told("deny", ranged) == record
    path = f"/throttling/deny-policy/{ranged}"
    assert client.call("patch", path, {"conditionStatus": False}).json()["conditionStatus"] is False
    assert told("deny", ranged) is None
    client.call("patch", path, {"conditionId": ranged, "conditionStatus": True})
    assert told("deny", ranged) == record
    found = client.call(
        "get", "/throttling/deny-policies?query=conditionType:API%20%26%20conditionValue:pizza/1.0"
    ).json()
    assert [one["conditionType"] for one in found["list"]] == ["API"]
    assert client.call("get", "/throttling/deny-policies").json()["count"] == 4
    assert client.call("delete", path).status_code == 200
    assert told("deny", ranged) is None
    actions = list(
        AuditRow.objects.filter(action__startswith="deny_policy", target_id=ranged).values_list("action", flat=True)
    )
    assert actions == ["deny_policy.delete", "deny_policy.on", "deny_policy.off", "deny_policy.create"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"conditionType": "MOON", "conditionValue": "x"}, "conditionType"),
        ({"conditionType": "API", "conditionValue": "/unknown/1.0"}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": "10.0.0.1"}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": {"fixedIp": "10.0.0"}}, "conditionValue"),
        ({"conditionType": "IPRANGE", "conditionValue": {"startingIp": "10.0.0.9", "endingIp": "10.0.0.1"}}, "conditionValue"),
        ({"conditionType": "USER", "conditionValue": {"a": 1}}, "conditionValue"),
        ({"conditionType": "USER"}, "conditionValue"),
    ],
)  # fmt: skip
def test_a_deny_policy_that_says_nothing_is_refused(admin, rest, anything_known, body, field):
    answer = rest(admin).call("post", "/throttling/deny-policies", body)
    assert (answer.status_code, [one["field"] for one in answer.json()["error"]]) == (400, [field])
    assert not DenyPolicy.objects.exists()


def test_others_see_nothing(rest, make_user, developer, other_organisation, admin):
    assert rest(developer).call("get", "/throttling/policies/advanced").status_code == 403
    assert rest(developer).call("get", "/throttling/deny-policies").status_code == 403
    ours = Policy.objects.get(organisation=admin.organisation, level="application", name="10PerMin")
    stranger = rest(make_user(other_organisation, "admin"))
    assert stranger.call("get", f"/throttling/policies/application/{ours.pk}").status_code == 404
    made = (
        rest(admin).call("post", "/throttling/deny-policies", {"conditionType": "USER", "conditionValue": "x"}).json()
    )
    assert (
        stranger.call("patch", f"/throttling/deny-policy/{made['conditionId']}", {"conditionStatus": False}).status_code
        == 404
    )


def test_a_policy_travels_as_a_file(admin, rest):
    client = rest(admin)
    client.call(
        "post",
        "/throttling/policies/advanced",
        {"policyName": "Roam", "defaultLimit": REQUESTS, "conditionalGroups": [{"conditions": CONDITIONS, "limit": BANDWIDTH}]},
    )  # fmt: skip
    file = client.call("get", "/throttling/policies/export?name=Roam&type=api&format=YAML").json()
    assert (file["type"], file["subtype"], list(file["data"])[1]) == (
        "throttling policy",
        "advanced policy",
        "policyName",
    )
    older = file | {"type": "rate-limiting policy", "subtype": "advanced"}

    def send(content: object, query: str = ""):
        upload = SimpleUploadedFile("policy.json", json.dumps(content).encode())
        return client.call("post", f"/throttling/policies/import{query}", {"file": upload}, format="multipart")

    assert send(file).status_code == 409
    Policy.objects.filter(name="Roam").delete()
    made = send(file)
    assert made.status_code == 200, made.json()
    assert made.json()["conditionalGroups"] == file["data"]["conditionalGroups"]
    assert send(file, "?overwrite=true").status_code == 200
    assert send(older, "?overwrite=true").status_code == 200
    assert send({"subtype": "moon", "data": {}}).status_code == 400
    assert client.call("get", "/throttling/policies/export?name=None").status_code == 404


@pytest.mark.parametrize(
    ("scopes", "verb", "path", "status"),
    [
        ({"apim:tier_view"}, "get", "/throttling/policies/advanced", 200),
        ({"apim:tier_view"}, "post", "/throttling/policies/advanced", 403),
        ({"apim:tier_manage"}, "post", "/throttling/policies/advanced", 201),
        ({"apim:bl_view"}, "get", "/throttling/policies/advanced", 403),
        ({"apim:bl_view"}, "get", "/throttling/deny-policies", 200),
        ({"apim:tier_manage"}, "get", "/throttling/deny-policies", 403),
        ({"apim:policies_import_export"}, "get", "/throttling/policies/export?name=10KPerMin&type=api", 200),
        ({"apim:admin"}, "post", "/throttling/policies/advanced", 201),
    ],
)
def test_a_tokens_scopes_open_what_the_contract_says(admin, rest, scopes, verb, path, status):
    client = rest(admin)
    client.force_authenticate(admin, token=Token("client", "jti", frozenset(scopes)))
    body = {"policyName": "Scoped", "defaultLimit": REQUESTS} if verb == "post" else None
    assert client.call(verb, path, body).status_code == status
