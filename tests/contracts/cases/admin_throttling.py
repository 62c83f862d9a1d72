"""Admin: policies of every level, custom rules, deny policies, search, export and import."""

from __future__ import annotations

import json
from typing import Any

from tests.contracts.harness import case
from tests.contracts.world import World

LIMIT = {"type": "REQUESTCOUNTLIMIT", "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 20}}
BODIES: dict[str, dict[str, Any]] = {
    "application": {"policyName": "Small", "displayName": "Small", "description": "few calls", "defaultLimit": LIMIT},
    "subscription": {
        "policyName": "Trial",
        "displayName": "Trial",
        "description": "to try",
        "defaultLimit": LIMIT,
        "rateLimitCount": 5,
        "rateLimitTimeUnit": "sec",
        "stopOnQuotaReach": True,
        "billingPlan": "FREE",
        "graphQLMaxDepth": 5,
        "graphQLMaxComplexity": 50,
        "subscriberCount": 10,
        "permissions": {"permissionType": "ALLOW", "roles": ["Internal/subscriber"]},
        "customAttributes": [{"name": "region", "value": "eu"}],
        "monetization": {"monetizationPlan": "FIXEDRATE", "properties": {"fixedPrice": "10"}},
    },
    "advanced": {
        "policyName": "Guarded",
        "displayName": "Guarded",
        "description": "fewer from outside",
        "defaultLimit": LIMIT,
        "conditionalGroups": [
            {
                "description": "one address",
                "conditions": [
                    {
                        "type": "IPCONDITION",
                        "invertCondition": False,
                        "ipCondition": {"ipConditionType": "IPSPECIFIC", "specificIP": "10.1.1.1"},
                    }
                ],
                "limit": LIMIT,
            }
        ],
    },
    "custom": {
        "policyName": "Rule",
        "description": "five a minute",
        "siddhiQuery": (
            "FROM RequestStream SELECT userId, (userId == 'admin@carbon.super') AS isEligible, "
            "str:concat('admin@carbon.super','') as throttleKey INSERT INTO EligibilityStream;\n"
            "FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min) SELECT throttleKey, "
            "(count(userId) >= 5) as isThrottled, expiryTimeStamp group by throttleKey INSERT ALL EVENTS into ResultStream;"
        ),
        "keyTemplate": "$userId",
    },
}


def add(w: World, level: str) -> dict[str, Any]:
    """The policy of that level, added."""
    return w.admin.post(f"/throttling/policies/{level}", BODIES[level]).json()


def _cases_of(level: str, parameter: str) -> None:
    path = f"/throttling/policies/{level}"

    @case("admin", f"GET {path}")
    def listed(w: World) -> Any:
        add(w, level)
        return w.admin.get(path)

    @case("admin", f"POST {path}")
    def added(w: World) -> Any:
        return w.admin.post(path, BODIES[level])

    @case("admin", f"GET {path}/{{{parameter}}}")
    def read(w: World) -> Any:
        return w.admin.get(f"{path}/{add(w, level)['policyId']}")

    @case("admin", f"PUT {path}/{{{parameter}}}")
    def changed(w: World) -> Any:
        found = w.admin.get(f"{path}/{add(w, level)['policyId']}")
        body = found.json() | {"description": "other words"}
        return w.admin.put(f"{path}/{body['policyId']}", body, headers={"If-Match": found.headers["ETag"]})

    @case("admin", f"DELETE {path}/{{{parameter}}}")
    def deleted(w: World) -> Any:
        return w.admin.delete(f"{path}/{add(w, level)['policyId']}")


for _level in ("application", "subscription", "advanced"):
    _cases_of(_level, "policyId")
_cases_of("custom", "ruleId")


@case("admin", "throttlingPolicySearch")
def search_policies(w: World) -> Any:
    return w.admin.get("/throttling/policies/search?query=type:all")


@case("admin", "exportThrottlingPolicy")
def export_policy(w: World) -> Any:
    add(w, "subscription")
    return w.admin.get("/throttling/policies/export?name=Trial&type=sub")


@case("admin", "importThrottlingPolicy")
def import_policy(w: World) -> Any:
    add(w, "advanced")
    exported = w.admin.get("/throttling/policies/export?name=Guarded&type=api").json()
    files = {"file": ("policy.json", json.dumps(exported).encode(), "application/json")}
    return w.admin.post("/throttling/policies/import?overwrite=true", files=files)


def deny(w: World) -> dict[str, Any]:
    """A deny policy for an address, added."""
    body = {"conditionType": "IP", "conditionValue": {"fixedIp": "10.9.9.9", "invert": False}, "conditionStatus": True}
    return w.admin.post("/throttling/deny-policies", body).json()


@case("admin", "GET /throttling/deny-policies")
def deny_policies(w: World) -> Any:
    deny(w)
    return w.admin.get("/throttling/deny-policies")


@case("admin", "POST /throttling/deny-policies")
def add_deny_policy(w: World) -> Any:
    w.api(name="Orders", context="/orders")
    body = {"conditionType": "API", "conditionValue": "/orders/1.0.0", "conditionStatus": True}
    return w.admin.post("/throttling/deny-policies", body)


@case("admin", "GET /throttling/deny-policy/{conditionId}")
def deny_policy(w: World) -> Any:
    return w.admin.get(f"/throttling/deny-policy/{deny(w)['conditionId']}")


@case("admin", "PATCH /throttling/deny-policy/{conditionId}")
def switch_deny_policy(w: World) -> Any:
    found = deny(w)
    body = {"conditionId": found["conditionId"], "conditionStatus": False}
    return w.admin.patch(f"/throttling/deny-policy/{found['conditionId']}", body)


@case("admin", "DELETE /throttling/deny-policy/{conditionId}")
def delete_deny_policy(w: World) -> Any:
    return w.admin.delete(f"/throttling/deny-policy/{deny(w)['conditionId']}")
