"""The page of one's own consents: which applications may act for me, and taking that back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from oauth2_provider.models import get_refresh_token_model

from apim.keymanager import scopes
from apim.keymanager.actions import consents as actions
from apim.keymanager.models import Consent, OAuthClient

MOST = 200
"""Applications shown."""


@require_safe
@login_required
def consents(request: HttpRequest) -> HttpResponse:
    """What is remembered, and applications that can get new tokens without asking."""
    found = {
        row.client_id: {
            "client": row.client,
            "scopes": scopes.describe(row.scopes),
            "since": row.granted,
            "remembered": True,
        }
        for row in Consent.objects.filter(user=request.user).select_related("client")[:MOST]
    }
    mine = get_refresh_token_model().objects.filter(user=request.user, revoked=None, access_token__isnull=False)
    for row in mine.select_related("application", "access_token").order_by("created")[:MOST]:
        entry = {"client": row.application, "since": row.created, "remembered": False}
        found.setdefault(row.application_id, entry | {"scopes": scopes.describe(row.access_token.scope.split())})
        found[row.application_id]["refreshes"] = True
    return render(request, "keymanager/consents.html", {"consents": list(found.values()), "now": timezone.now()})


@require_POST
@login_required
def take_back(request: HttpRequest, client: str) -> HttpResponse:
    """End what one application may do."""
    known = get_object_or_404(OAuthClient, uuid=client, organisation=request.user.organisation)
    actions.take_back(by=request.user, client=known)
    messages.success(request, f"{known.name} may not act for you any more.")
    return redirect("keymanager:consents")
