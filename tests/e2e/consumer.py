"""Steps 4 to 6 of the path by REST: an API from the catalog, an application with keys, tokens, calls through the gateway."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import requests

from tests.e2e.platform import Platform

_numbers = itertools.count(1)
ENVIRONMENTS = [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}]
SEEN_WITHIN = 1.0
"""Seconds within which the gateway follows a change."""


class Flow:
    """One API and one application. Each has names of its own, so that tests do not meet."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.number = next(_numbers)
        self.caller = platform.session()
        self.api = ""
        self.application = ""
        self.subscription = ""
        self.key: dict[str, Any] = {}

    # -- the publisher

    def publish(self) -> None:
        """Create from the service, deploy as a revision, publish."""
        rest = self.platform.rest
        body = {
            "name": f"Trial{self.number}",
            "context": f"/trial{self.number}",
            "version": "1.0.0",
            "policies": ["Bronze", "Gold", "Unlimited"],
        }
        made = rest(
            "publisher", "POST", "publisher/apis/import-service", params={"serviceKey": "order-1.0.0"}, json=body
        )
        self.api = made["id"]
        revision = rest("publisher", "POST", f"publisher/apis/{self.api}/revisions", json={"description": "first"})
        self.revision = revision["id"]
        where = {"revisionId": self.revision}
        rest("publisher", "POST", f"publisher/apis/{self.api}/deploy-revision", params=where, json=ENVIRONMENTS)
        self.change_state("Publish")

    def undeploy(self) -> None:
        """Take the revision off the gateways."""
        where = {"revisionId": self.revision}
        self.platform.rest(
            "publisher", "POST", f"publisher/apis/{self.api}/undeploy-revision", params=where, json=ENVIRONMENTS
        )

    def change_state(self, action: str) -> None:
        """A step of the life cycle."""
        asked = {"apiId": self.api, "action": action}
        self.platform.rest("publisher", "POST", "publisher/apis/change-lifecycle", params=asked)

    # -- the portal

    def consume(self, plan: str = "Unlimited", policy: str = "Unlimited") -> None:
        """Application, subscription, keys."""
        rest = self.platform.rest
        body = {"name": f"App{self.number}", "throttlingPolicy": policy, "description": ""}
        self.application = rest("developer", "POST", "devportal/applications", json=body)["applicationId"]
        self.subscribe(plan)
        self.key = rest(
            "developer",
            "POST",
            f"devportal/applications/{self.application}/generate-keys",
            json={"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]},
        )

    def subscribe(self, plan: str) -> None:
        """Subscribe the application to the API."""
        body = {"apiId": self.api, "applicationId": self.application, "throttlingPolicy": plan}
        self.subscription = self.platform.rest("developer", "POST", "devportal/subscriptions", json=body)[
            "subscriptionId"
        ]

    def unsubscribe(self) -> None:
        """End the subscription."""
        self.platform.rest("developer", "DELETE", f"devportal/subscriptions/{self.subscription}")

    def change_plan(self, plan: str) -> None:
        """Move the subscription to another plan."""
        body = {"apiId": self.api, "applicationId": self.application, "throttlingPolicy": plan}
        self.platform.rest("developer", "PUT", f"devportal/subscriptions/{self.subscription}", json=body)

    def block(self, state: str) -> None:
        """Block the subscription as the publisher: BLOCKED or PROD_ONLY_BLOCKED."""
        asked = {"subscriptionId": self.subscription, "blockState": state}
        self.platform.rest("publisher", "POST", "publisher/subscriptions/block-subscription", params=asked)

    def unblock(self) -> None:
        """Let the subscription pass again."""
        asked = {"subscriptionId": self.subscription}
        self.platform.rest("publisher", "POST", "publisher/subscriptions/unblock-subscription", params=asked)

    # -- tokens

    def token(self) -> str:
        """An access token by client credentials, from the token endpoint."""
        answer = self._oauth("token", {"grant_type": "client_credentials"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        """Revoke at the revocation endpoint."""
        assert self._oauth("revoke", {"token": token}).status_code == 200

    def short_token(self, seconds: int) -> str:
        """A token that lives for `seconds`."""
        path = f"devportal/applications/{self.application}/oauth-keys/{self.key['keyMappingId']}/generate-token"
        body = {"validityPeriod": seconds, "scopes": []}
        return str(self.platform.rest("developer", "POST", path, json=body)["accessToken"])

    def _oauth(self, what: str, form: dict[str, str]) -> requests.Response:
        pair = (self.key["consumerKey"], self.key["consumerSecret"])
        return self.caller.post(f"{self.platform.public}/oauth2/{what}", data=form, auth=pair, timeout=20)

    # -- calls

    def call(self, token: str | None, path: str = "/orders/health", **options: Any) -> requests.Response:
        """A call through the gateway over https."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        url = f"{self.platform.gateway}/trial{self.number}/1.0.0{path}"
        method = "POST" if "json" in options else "GET"
        return self.caller.request(method, url, headers=headers, timeout=20, **options)

    def settle(self, token: str) -> None:
        """Wait until the gateway serves this flow."""
        self.sees(lambda: self.call(token).status_code == 200, within=10)

    def sees(self, probe: Callable[[], bool], within: float = SEEN_WITHIN) -> float:
        """Poll until `probe`; the seconds it took. Fails when that is more than `within`."""
        began = time.monotonic()
        while not probe():
            assert time.monotonic() - began < within + 5, "the gateway did not follow at all"
            time.sleep(0.02)
        took = time.monotonic() - began
        assert took <= within, f"the gateway followed after {took:.2f} s"
        return took

    def remove(self) -> None:
        """Take everything away again."""
        rest = self.platform.rest
        if self.application:
            rest("developer", "DELETE", f"devportal/applications/{self.application}", expect=(200, 204))
        if self.api:
            rest("publisher", "DELETE", f"publisher/apis/{self.api}", expect=(200, 204))
