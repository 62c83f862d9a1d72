"""/apis/{apiId}/generate-mock-scripts and /generated-mock-scripts: scripts for APIs that are mocked inline."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import Invalid
from publisher import mocks
from publisher.actions.apis import update_api
from publisher.actions.definitions import definition_text
from publisher.api.base import Resource, tagged
from publisher.models import Api
from publisher.openapi.reading import Unreadable

T = TypeVar("T")


class GenerateMockScripts(Resource):
    """POST /apis/{apiId}/generate-mock-scripts."""

    def post(self, request: Request, api_id: str) -> Response:
        """Writes a script into every operation of the definition that has none; gives the definition."""
        api = self.api(api_id)
        text = _read(mocks.with_scripts, api)
        update_api(by=request.user, api=api, expected=self.if_match(), definition=text)
        return Response(json.loads(text) if text.lstrip().startswith("{") else text)


class GeneratedMockScripts(Resource):
    """GET /apis/{apiId}/generated-mock-scripts."""

    def get(self, request: Request, api_id: str) -> Response:
        """The scripts as they would be written, by path."""
        return tagged(request, {"list": _read(mocks.scripts, self.api(api_id))})


def _read(work: Callable[[str], T], api: Api) -> T:
    try:
        return work(definition_text(api))
    except Unreadable as error:
        raise Invalid(f"The definition cannot be read: {error}") from error
