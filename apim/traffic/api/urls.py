"""Addresses of the resources below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path, re_path

from apim.traffic.api import denials, policies, rules, transfer

_level = r"throttling/policies/(?P<level>advanced|application|subscription)"

urlpatterns = [
    path("throttling/policies/search", policies.Search.as_view()),
    path("throttling/policies/export", transfer.Export.as_view()),
    path("throttling/policies/import", transfer.Import.as_view()),
    path("throttling/policies/custom", rules.Rules.as_view()),
    path("throttling/policies/custom/<str:rule_id>", rules.OneRule.as_view()),
    re_path(rf"^{_level}$", policies.Policies.as_view()),
    re_path(rf"^{_level}/(?P<policy_id>[^/]+)$", policies.OnePolicy.as_view()),
    path("throttling/deny-policies", denials.Denials.as_view()),
    path("throttling/deny-policy/<str:condition_id>", denials.OneDenial.as_view()),
]
