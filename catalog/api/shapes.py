"""The JSON of the service catalog contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from catalog.models import Service


def service_body(service: Service) -> dict[str, Any]:
    """The contract's Service."""
    return {
        "id": str(service.pk),
        "name": service.name,
        "displayName": service.display_name or service.name,
        "description": service.description,
        "version": service.version,
        "serviceKey": service.key,
        "serviceUrl": service.url,
        "definitionType": service.definition_type,
        "securityType": service.security_type,
        "mutualSSLEnabled": service.mutual_ssl,
        "usage": usage_count(service),
        "createdTime": _time(service.created),
        "lastUpdatedTime": _time(service.updated),
        "md5": service.md5,
    }


def shrunk_body(service: Service) -> dict[str, Any]:
    """The few fields that `shrink=true` asks for."""
    fields = {"id": str(service.pk), "name": service.name, "version": service.version}
    return {**fields, "serviceKey": service.key, "md5": service.md5}


def info_body(service: Service) -> dict[str, Any]:
    """The contract's ServiceInfo, which an import answers."""
    fields = {"id": str(service.pk), "name": service.name, "version": service.version}
    return {**fields, "key": service.key, "md5": service.md5}


def usage_count(service: Service) -> int:
    """How many APIs were made from it; counted by the query where it was asked for."""
    counted = getattr(service, "usage", None)
    return service.apis.count() if counted is None else counted


def usage_body(service: Service) -> dict[str, Any]:
    """The contract's APIList of the APIs made from the service."""
    apis = service.apis.filter(organisation=service.organisation).select_related("provider")
    rows = [
        {"id": str(a.pk), "name": a.name, "context": a.context, "version": a.version, "provider": a.provider.username}
        for a in apis
    ]
    return {"count": len(rows), "list": rows}


def page_body(
    rows: list[dict[str, Any]], *, total: int, offset: int, limit: int, path: str, query: dict[str, str]
) -> dict[str, Any]:
    """A page of a list with links to its neighbours, empty where there is none."""

    def link(start: int) -> str:
        return f"{path}?{urlencode({**query, 'limit': limit, 'offset': start})}"

    following = link(offset + limit) if limit and offset + limit < total else ""
    previous = link(max(offset - limit, 0)) if limit and offset > 0 else ""
    pagination = {"offset": offset, "limit": limit, "total": total, "next": following, "previous": previous}
    return {"count": len(rows), "list": rows, "pagination": pagination}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
