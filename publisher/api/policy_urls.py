"""Addresses of the REST resources of operation policies below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import policies

OWN = "apis/<str:api_id>/operation-policies"
urlpatterns = [
    path("operation-policies", policies.Policies.as_view()),
    path("operation-policies/export", policies.ExportPolicy.as_view()),
    path("operation-policies/import", policies.ImportPolicy.as_view()),
    path("operation-policies/<str:policy_id>", policies.OnePolicy.as_view()),
    path("operation-policies/<str:policy_id>/content", policies.PolicyContent.as_view()),
    path(OWN, policies.ApiPolicies.as_view()),
    path(f"{OWN}/<str:policy_id>", policies.OneApiPolicy.as_view()),
    path(f"{OWN}/<str:policy_id>/content", policies.ApiPolicyContent.as_view()),
]
