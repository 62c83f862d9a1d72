"""The policies of the organisation: those that ship, and its own; upload, download, delete."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from publisher import queries
from publisher.actions.policies import add_policy, delete_policy
from publisher.forms.policies import Upload
from publisher.models import Api
from publisher.policies.archive import write
from publisher.views.base import attempt, read_api, rights, sent, try_save


@login_required
@require_GET
def policy_list(request: HttpRequest) -> HttpResponse:
    """Common policies that match `q`."""
    found = queries.policies(request.user)
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = [one for one in found if text.lower() in f"{one.name} {one.specification['displayName']}".lower()]
    context = {"rows": rows, "q": text, "total": found.count(), **rights(request.user)}
    return render(request, "publisher/policy_list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def policy_add(request: HttpRequest) -> HttpResponse:
    """A new policy from its two files; of the API `api` when that is named, else common."""
    named = request.GET.get("api", "")
    api: Api | None = read_api(request, uuid.UUID(named)) if _is_id(named) else None
    form = Upload(*sent(request))
    if request.method == "POST" and try_save(
        request,
        form,
        lambda: add_policy(by=request.user, api=api, **form.texts()),
        {"policySpecFile": "specification", "synapsePolicyDefinitionFile": "definition"},
    ):
        messages.success(request, "The policy was added. Put it into a flow to use it.")
        return redirect("publisher:policies", api.pk) if api is not None else redirect("publisher:policy_list")
    status = 400 if form.errors else 200
    return render(
        request, "publisher/policy_add.html", {"form": form, "api": api, **rights(request.user)}, status=status
    )


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@login_required
@require_GET
def policy_download(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    """The archive of a common policy."""
    name, content = write(queries.policy(request.user, policy_id))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/zip", headers=headers)


@login_required
@require_POST
def policy_delete(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    """Delete a common policy that no API uses."""
    policy = queries.policy(request.user, policy_id)
    attempt(request, lambda: delete_policy(by=request.user, policy=policy), f"{policy} is deleted.")
    return redirect("publisher:policy_list")
