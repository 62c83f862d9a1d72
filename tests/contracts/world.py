"""What a case starts from: one organisation, its administrator, REST clients, and rows in one line."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apim.accounts.models import Organisation, User
from apim.contracts.operations import BASES
from portal.models import Application, Subscription
from publisher.actions.lifecycle import change_state
from publisher.models import Api
from tests.portal import builders
from tests.publisher import make
from tests.support.people import make_user

Upload = tuple[str, bytes, str]


class Rest:
    """Calls resources of one contract as one user; None is nobody."""

    def __init__(self, contract: str, user: User | None) -> None:
        self.base = BASES[contract]
        self.client = APIClient()
        if user is not None:
            self.client.force_login(user)

    def call(
        self, method: str, path: str, json: Any = None, data: dict[str, Any] | None = None,
        files: dict[str, Upload] | None = None, headers: dict[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The answer. `files` maps form fields to (name, bytes, media type) and makes the call multipart, as `data` does."""
        more: dict[str, Any] = {"headers": headers or {}}
        if files is not None or data is not None:
            parts = {name: SimpleUploadedFile(*upload) for name, upload in (files or {}).items()}
            more |= {"data": {**(data or {}), **parts}, "format": "multipart"}
        elif json is not None:
            more |= {"data": json, "format": "json"}
        return getattr(self.client, method)(self.base + path, **more)

    def get(self, path: str, **more: Any) -> Any:
        """GET."""
        return self.call("get", path, **more)

    def head(self, path: str, **more: Any) -> Any:
        """HEAD."""
        return self.call("head", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        """POST."""
        return self.call("post", path, json, **more)

    def put(self, path: str, json: Any = None, **more: Any) -> Any:
        """PUT."""
        return self.call("put", path, json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> Any:
        """PATCH."""
        return self.call("patch", path, json, **more)

    def delete(self, path: str, json: Any = None, **more: Any) -> Any:
        """DELETE."""
        return self.call("delete", path, json, **more)


class World:
    """An organisation with an administrator, in whose name the clients call."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.user = make_user(organisation, "admin", username="admin", is_superuser=True, is_staff=True)
        self.publisher, self.devportal, self.admin, self.catalog, self.gateway = (
            Rest(contract, self.user) for contract in ("publisher", "devportal", "admin", "catalog", "gateway")
        )

    def as_user(self, contract: str, *roles: str) -> Rest:
        """A client in the name of somebody new with these roles."""
        return Rest(contract, make_user(self.organisation, *roles))

    def api(self, **fields: Any) -> Api:
        """An API in state CREATED, of the administrator."""
        return make.make_api(self.user, **fields)

    def published(self, **fields: Any) -> Api:
        """An API that is deployed and published."""
        api = self.api(**fields)
        make.deploy(self.user, api)
        change_state(by=self.user, api=api, action="Publish")
        api.refresh_from_db()
        return api

    def application(self, **fields: Any) -> Application:
        """An application of the administrator."""
        return builders.make_application(self.user, **fields)

    def subscription(self, application: Application | None = None, api: Api | None = None) -> Subscription:
        """A subscription to a published API."""
        return builders.make_subscription(application or self.application(), api or self.published())
