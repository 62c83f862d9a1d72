"""REST: clients of an API, generated from its definition."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from portal import queries
from portal.api import scopes
from portal.api.base import tenant
from portal.api.scopes import ScopedView
from portal.sdk import generator, store
from portal.sdk.languages import LANGUAGES
from publisher import safe_content
from publisher.api.soap import Whatever


class Languages(ScopedView):
    """GET /sdk-gen/languages."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> JsonResponse:
        """Their names; none where the generator is not installed."""
        return JsonResponse(list(LANGUAGES) if generator.available() else [], safe=False)


class Sdk(ScopedView):
    """GET /apis/{apiId}/sdks/{language}."""

    scopes = scopes.SUBSCRIBER
    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: UUID, language: str) -> HttpResponse:
        """A zip archive."""
        api = queries.api(request.user, tenant(request), api_id)
        return safe_content.download(store.client(api, language), f"{api.name}_{api.version}_{language}.zip")
