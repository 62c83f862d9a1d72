"""Pictures of APIs, shared scopes of the organisation, monetization."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apim.errors import ApimError, Forbidden, NotFound
from publisher import monetization as billing
from publisher import scopes as reads
from publisher.actions import scopes as actions
from publisher.actions import thumbnails
from publisher.actions.monetization import monetize
from publisher.forms.social import MonetizationForm, ScopeForm
from publisher.hooks import plan_counts
from publisher.pictures import MOST_BYTES
from publisher.views.base import api_page, attempt, back, read_api, rights, sent, try_save


@login_required
@require_safe
def thumbnail(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The picture of an API."""
    return thumbnails.thumbnail_answer(thumbnails.thumbnail_of(read_api(request, api_id)))


@login_required
@require_POST
def put_thumbnail(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Another picture, or none."""
    api, upload = read_api(request, api_id), request.FILES.get("file")
    if request.POST.get("do") == "remove":
        attempt(request, lambda: thumbnails.delete_thumbnail(by=request.user, api=api), "The picture is gone.")
    elif upload is None:
        messages.error(request, "Choose a picture first.")
    else:
        content = upload.read(MOST_BYTES + 1)
        attempt(
            request,
            lambda: thumbnails.put_thumbnail(by=request.user, api=api, content=content),
            "The picture is saved.",
        )
    return back("info", api)


@login_required
@require_http_methods(["GET", "POST"])
def scopes(request: HttpRequest) -> HttpResponse:
    """The shared scopes, and a form for another one."""
    rows = reads.shared_scopes(request.user)
    form = ScopeForm(request.user.organisation, None, sent(request)[0])
    if request.method == "POST":
        made = try_save(request, form, lambda: actions.create_scope(by=request.user, **form.cleaned_data))
        if made:
            messages.success(request, f"Operations may ask for {made.name} from now on.")
            return redirect("publisher:scopes")
    context = {"rows": rows, "form": form, "may_manage": request.user.has_role(*actions.MANAGERS)}
    return render(request, "publisher/scopes.html", context | rights(request.user), status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def scope(request: HttpRequest, scope_id: uuid.UUID) -> HttpResponse:
    """One shared scope: its texts and roles, and the APIs that ask for it."""
    row = reads.shared_scope(request.user, scope_id)
    form = ScopeForm(request.user.organisation, row, sent(request)[0])
    if request.method == "POST" and try_save(
        request, form, lambda: actions.update_scope(by=request.user, scope=row, **form.cleaned_data)
    ):
        messages.success(request, "Saved. Gateways and new tokens follow at once.")
        return redirect("publisher:scope", row.pk)
    context = {
        "scope": row,
        "form": form,
        "apis": row.apis.only("name", "version", "state")[:100],
        "may_manage": request.user.has_role(*actions.MANAGERS),
    }
    return render(request, "publisher/scope.html", context | rights(request.user), status=400 if form.errors else 200)


@login_required
@require_POST
def delete_scope(request: HttpRequest, scope_id: uuid.UUID) -> HttpResponse:
    """Delete a shared scope that no API asks for."""
    row = reads.shared_scope(request.user, scope_id)
    try:
        actions.delete_scope(by=request.user, scope=row)
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        messages.error(request, error.description)
        return redirect("publisher:scope", row.pk)
    messages.success(request, f"{row} is deleted.")
    return redirect("publisher:scopes")


@login_required
@require_http_methods(["GET", "POST"])
def monetization(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Whether an API costs money, its commercial plans, and what they earn."""
    api = read_api(request, api_id)
    form = MonetizationForm(api.monetization, sent(request)[0])
    if request.method == "POST" and try_save(
        request,
        form,
        lambda: monetize(by=request.user, api=api, enabled=form.cleaned_data["enabled"], properties=form.pairs()),
    ):
        messages.success(request, "Saved.")
        return back("monetization", api)
    counts = plan_counts(api)
    plans = [(plan, counts.get(name, 0)) for name, plan in billing.commercial_plans(api).items()]
    revenue = billing.provider().revenue(api).items() if api.monetization.get("enabled") else ()
    totals = [(name.removeprefix("total "), value) for name, value in revenue if name.startswith("total ")]
    context = {"form": form, "plans": plans, "totals": totals}
    return api_page(request, "monetization", api, context, status=400 if form.errors else 200)
