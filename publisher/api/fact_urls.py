"""Addresses of what else belongs to an API, below /api/am/publisher/v4/: facts, certificates by key type, external stores."""

from __future__ import annotations

from django.urls import path

from publisher.api import client_certificates, facts, revisions, stores

API = "apis/<str:api_id>"
CERTIFICATES = f"{API}/client-certs/<str:key_type>"
urlpatterns = [
    path(f"{API}/resource-paths", facts.ResourcePaths.as_view()),
    path(f"{API}/subscription-policies", facts.SubscriptionPolicies.as_view()),
    path(f"{API}/amznResourceNames", facts.AmazonResourceNames.as_view()),
    path(f"{API}/auditapi", facts.SecurityAudit.as_view()),
    path(f"{API}/environments/<str:environment_id>/keys", facts.EnvironmentProperties.as_view()),
    path(CERTIFICATES, client_certificates.ClientCertificates.as_view()),
    path(f"{CERTIFICATES}/<str:alias>", client_certificates.OneClientCertificate.as_view()),
    path(f"{CERTIFICATES}/<str:alias>/content", client_certificates.ClientCertificateContent.as_view()),
    path(f"{API}/cancel-revision-workflow/<str:revision_id>/<str:environment>", revisions.CancelDeployment.as_view()),
    path("external-stores", stores.ExternalStores.as_view()),
    path(f"{API}/external-stores", stores.Publications.as_view()),
    path(f"{API}/publish-to-external-stores", stores.PublishToStores.as_view()),
]
