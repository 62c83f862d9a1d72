"""The policies of an API as a picture of its flows, and what gateways do at run time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apim.errors import ApimError, Forbidden, Invalid, NotFound
from publisher import kinds, snapshots
from publisher.actions.apis import update_api
from publisher.checks import Problems
from publisher.forms import policies as forms
from publisher.models import Api, OperationPolicy
from publisher.policies import editing
from publisher.policies.specification import FLOWS
from publisher.policies.uses import Uses, blank
from publisher.queries import policies as common
from publisher.views.base import api_page, back, expected, read_api
from publisher.views.design import _save as save

TITLES = {
    "request": ("Request", "From the caller to the backend"),
    "response": ("Response", "From the backend to the caller"),
    "fault": ("Fault", "When the backend gives no answer, or a policy fails"),
}

THREATS = ("regexPolicy", "jsonValidator", "xmlValidator")


@dataclass(frozen=True)
class Card:
    """One policy in a flow, as the page shows it."""

    index: int
    title: str
    version: str
    summary: str
    editable: bool
    known: bool


@login_required
@require_GET
def flows(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The flows of one place (`at`): the whole API, or an operation; a form when `edit` or `new` asks for one."""
    api = read_api(request, api_id)
    place = request.GET.get("at", "0" if api.operations.exists() else editing.WHOLE)
    if editing.at(api, place) is None:
        raise NotFound(f"The API has no operation {place[:20]}.")
    return _page(request, api, place, _asked(request, api, place))


@login_required
@require_POST
def change(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """One step: `do` is add, save, earlier, later, move or remove."""
    api, place = read_api(request, api_id), request.POST.get("at", "")
    held = editing.at(api, place)
    flow, do = request.POST.get("flow", ""), request.POST.get("do", "")
    if held is None or flow not in FLOWS:
        raise NotFound("There is no such operation or flow.")
    panel = _panel(request, api, held, flow) if do in ("add", "save") else None
    if panel is not None and not panel["form"].is_valid():
        return _page(request, api, place, panel, status=400)
    try:
        made = _step(request, api, held, flow, do, panel)
        update_api(by=request.user, api=api, expected=expected(request), **editing.changes(api, place, made))
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        messages.error(request, error.description)
        if panel is not None:
            return _page(request, api, place, panel, status=400)
        return _back(api, place)
    messages.success(
        request, "Saved. Gateways follow with the next deployed revision." if api.deployments.exists() else "Saved."
    )
    return _back(api, place)


def _step(
    request: HttpRequest, api: Api, held: dict[str, Any], flow: str, do: str, panel: dict[str, Any] | None
) -> dict[str, Any]:
    index = _number(request.POST.get("index"))
    try:
        if do == "add" and panel is not None:
            use = {
                "name": panel["policy"].name,
                "version": panel["policy"].version,
                "parameters": panel["form"].parameters(),
            }
            return editing.put(held, flow, _number(request.POST.get("to"), len(held.get(flow, ()))), use)
        if do == "save" and panel is not None:
            return editing.change(held, flow, index, panel["form"].parameters())
        if do == "remove":
            return editing.remove(held, flow, index)
        targets = {"earlier": index - 1, "later": index + 1, "move": _number(request.POST.get("to"))}
        if do in targets:
            return editing.move(held, flow, index, targets[do])
    except IndexError as error:
        raise Invalid("The flow has changed since you saw it. Look again.") from error
    raise NotFound("There is no such step.")


def _number(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 5 else default


def _back(api: Api, place: str) -> HttpResponse:
    return redirect(f"{reverse('publisher:policies', args=[api.pk])}?{urlencode({'at': place})}")


def _asked(request: HttpRequest, api: Api, place: str) -> dict[str, Any] | None:
    """The panel that the address asks for."""
    flow = request.GET.get("flow", "")
    held = editing.at(api, place) or {}
    if flow not in FLOWS or not ({"new", "edit"} & request.GET.keys()):
        return None
    return _panel(request, api, held, flow)


def _panel(request: HttpRequest, api: Api, held: dict[str, Any], flow: str) -> dict[str, Any]:
    """The form of a new policy (`new` is its id) or of one in the flow (`edit` is its index). Raises NotFound."""
    given = request.POST if request.method == "POST" else request.GET
    uses, index = list(blank(held).get(flow, ())), _number(given.get("edit") or given.get("index"))
    new = given.get("new", "")
    if new:
        policy = next((one for one in _available(request, api) if str(one.pk) == new), None)
        values: dict[str, Any] = {}
    else:
        use = uses[index] if index < len(uses) else {"name": "", "version": ""}
        policy = Uses(api.organisation, Problems(), kinds.of(api.kind), api).find(use["name"], use.get("version", "v1"))
        values = use.get("parameters", {})
        stored = list(held.get(flow, ()))
        if index < len(stored):
            values = {name: value or stored[index]["parameters"].get(name) for name, value in values.items()}
    if policy is None:
        raise NotFound("There is no such policy any more.")
    data = request.POST if request.method == "POST" else None
    form = forms.Attributes(policy.specification, values, data)
    to = _number(given.get("to"), len(uses))
    return {
        "form": form,
        "policy": policy,
        "flow": flow,
        "new": new,
        "index": index,
        "to": to,
        "flow_title": TITLES[flow][0],
    }


def _available(request: HttpRequest, api: Api) -> list[OperationPolicy]:
    """The policies that may stand in this API: its own first."""
    found = [*api.own_policies.all(), *common(request.user)]
    return [
        one
        for one in found
        if api.kind in (*one.specification["supportedApiTypes"], kinds.PRODUCT.name) or api.kind == "PRODUCT"
    ]


def _page(request: HttpRequest, api: Api, place: str, panel: dict[str, Any] | None, status: int = 200) -> HttpResponse:
    held = blank(editing.at(api, place) or {})
    known = Uses(api.organisation, Problems(), kinds.of(api.kind), api)
    lanes = [
        {
            "flow": flow,
            "title": TITLES[flow][0],
            "hint": TITLES[flow][1],
            "cards": [_card(n, use, known) for n, use in enumerate(held.get(flow, ()))],
        }
        for flow in FLOWS
    ]
    context = {
        "place": place,
        "places": _places(api),
        "lanes": lanes,
        "palette": _palette(request, api),
        "panel": panel,
    }
    return api_page(request, "policies", api, context, status=status)


def _card(index: int, use: dict[str, Any], known: Uses) -> Card:
    policy = known.find(use["name"], use.get("version", "v1"))
    attributes = {one["name"]: one for one in policy.specification["policyAttributes"]} if policy is not None else {}
    values = [
        f"{attributes.get(name, {}).get('displayName', name)}: {_shown(value)}"
        for name, value in use.get("parameters", {}).items()
        if value not in ("", None) and value != attributes.get(name, {}).get("defaultValue")
    ]
    title = policy.specification["displayName"] if policy is not None else use["name"]
    editable = policy is not None and bool(policy.specification["policyAttributes"])
    return Card(index, title, use.get("version", "v1"), " · ".join(values[:4])[:160], editable, policy is not None)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _places(api: Api) -> list[dict[str, Any]]:
    rows = snapshots.operations(api)
    whole = {"value": editing.WHOLE, "label": "Whole API", "count": _count(api.flows)}
    return [
        whole,
        *(
            {"value": str(n), "label": f"{row['verb']} {row['target']}", "count": _count(row.get("flows", {}))}
            for n, row in enumerate(rows)
        ),
    ]


def _count(held: dict[str, Any]) -> int:
    return sum(len(uses) for uses in held.values())


def _palette(request: HttpRequest, api: Api) -> list[dict[str, Any]]:
    """Policies by category, the API's own first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in _available(request, api):
        specification = one.specification
        item = {
            "policy": one,
            "spec": specification,
            "flows": [(flow, TITLES[flow][0]) for flow in specification["applicableFlows"]],
        }
        title = "Of this API only" if one.api_id is not None else specification["category"]
        groups.setdefault(title, []).append(item)
    return [{"title": title, "items": items} for title, items in groups.items()]


@login_required
@require_http_methods(["GET", "POST"])
def runtime(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Schema validation and response caching; threat protection is a step away."""
    api = read_api(request, api_id)
    form = forms.Runtime(api, request.POST if request.method == "POST" else None)
    if request.method == "POST" and save(request, api, form):
        return back("runtime", api)
    threats = [one for one in _available(request, api) if one.name in THREATS and one.shipped]
    return api_page(request, "runtime", api, {"form": form, "threats": threats}, status=400 if form.errors else 200)
