"""Addresses of the portal's pages, below /devportal/."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from portal.views import (
    api,
    api_keys,
    applications,
    archives,
    catalogue,
    clients,
    described,
    documents,
    keys,
    subscriptions,
    talk,
)

app_name = "portal"
_api = "apis/<uuid:api_id>/"
_application = "applications/<uuid:application_id>/"
# Below the page of the key type, so that its tab stays the current one.
_keys = f"{_application}<str:key_type>/"
_key = f"{_keys}<uuid:key_id>/"
_production, _sandbox = {"key_type": "production"}, {"key_type": "sandbox"}

urlpatterns = [
    path("", catalogue.apis, name="apis"),
    path("apis/", RedirectView.as_view(pattern_name="portal:apis", query_string=True)),
    path(_api, api.overview, name="api"),
    path(f"{_api}subscribe", api.subscribe, name="subscribe"),
    path(f"{_api}tryout/", api.tryout, name="tryout"),
    path(f"{_api}schema.graphql", described.schema, name="graphql_schema"),
    path(f"{_api}service.wsdl", described.wsdl, name="wsdl"),
    path(f"{_api}definition.json", api.definition_file, {"form": "json"}, name="definition_json"),
    path(f"{_api}definition.yaml", api.definition_file, {"form": "yaml"}, name="definition_yaml"),
    path(f"{_api}documents/", documents.listed, name="documents"),
    path(f"{_api}documents/<uuid:document_id>/", documents.one, name="document"),
    path(f"{_api}documents/<uuid:document_id>/file", documents.file, name="document_file"),
    path(f"{_api}picture", documents.picture, name="picture"),
    path(f"{_api}comments/", talk.show, name="talk"),
    path(f"{_api}comments/write", talk.write, name="comment"),
    path(f"{_api}comments/<uuid:comment_id>/edit", talk.edit, name="comment_edit"),
    path(f"{_api}comments/<uuid:comment_id>/delete", talk.delete, name="comment_delete"),
    path(f"{_api}rate", talk.give_stars, name="rate"),
    path(f"{_api}clients/", clients.show, name="clients"),
    path(f"{_api}clients/postman", clients.collection, name="postman"),
    path(f"{_api}clients/<str:language>.zip", clients.client, name="client"),
    path("applications/", applications.applications, name="applications"),
    path("applications/new/", applications.create, name="application_create"),
    path("applications/import/", archives.upload, name="application_import"),
    path("applications/import/confirm/", archives.confirm, name="application_import_confirm"),
    path(f"{_application}export/", archives.export, name="application_export"),
    path(_application, applications.application, name="application"),
    path(f"{_application}edit/", applications.edit, name="application_edit"),
    path(f"{_application}delete", applications.delete, name="application_delete"),
    path(f"{_application}reset-limits", applications.reset, name="application_reset"),
    path(f"{_application}production/", keys.show, _production, name="production_keys"),
    path(f"{_application}sandbox/", keys.show, _sandbox, name="sandbox_keys"),
    path(f"{_keys}generate", keys.generate, name="generate_keys"),
    path(f"{_keys}map", keys.map_existing, name="map_keys"),
    path(f"{_keys}api-keys/", api_keys.page, name="api_keys"),
    path(f"{_keys}api-keys/generate", api_keys.generate, name="generate_api_key"),
    path(f"{_keys}api-keys/<uuid:key_id>/revoke", api_keys.revoke, name="revoke_api_key"),
    path(f"{_key}update", keys.update, name="update_keys"),
    path(f"{_key}secret", keys.regenerate, name="regenerate_secret"),
    path(f"{_key}token", keys.token, name="test_token"),
    path(f"{_key}delete", keys.delete, name="delete_keys"),
    path(f"{_application}subscriptions/", subscriptions.application_subscriptions, name="application_subscriptions"),
    path("subscriptions/<uuid:subscription_id>/plan", subscriptions.change_plan, name="change_plan"),
    path("subscriptions/<uuid:subscription_id>/delete", subscriptions.unsubscribe, name="unsubscribe"),
]
