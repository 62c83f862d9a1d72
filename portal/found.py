"""What a search of everything finds: APIs first, then documents of APIs, as one list that is read page by page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apim.accounts.models import Organisation, User
from portal.catalogue import visible
from portal.picked import Picked
from portal.search import parse, search
from publisher.models import Api, Document, DocumentSource, DocumentVisibility

OF_DOCUMENTS = ("doc", "content")
"""Keys whose words look in documents alone (`doc:`), or in the content of everything."""


class Found:
    """APIs and documents in a row. Slicing reads what is asked for, from either or from both."""

    def __init__(self, apis: QuerySet[Api], documents: QuerySet[Document]) -> None:
        self._apis, self._documents = apis, documents
        self._split = apis.count()
        self._total = self._split + documents.count()

    def __len__(self) -> int:
        """How many there are altogether."""
        return self._total

    def __getitem__(self, part: slice) -> list[Any]:
        """The entries of a slice that has a start and an end."""
        apis = Picked(self._apis)[part.start : min(part.stop, self._split)] if part.start < self._split else []
        after, end = max(part.start - self._split, 0), part.stop - self._split
        return apis + (list(self._documents[after:end]) if end > after else [])


def everything(user: User | AnonymousUser, organisation: Organisation, query: str) -> Found:
    """What `query` finds for `user`. Terms with a key that only APIs have leave documents out. Raises Invalid."""
    shown = visible(user, organisation)
    terms = parse(query)
    only = [term for term in terms if term.key == "doc"]
    apis = shown.none() if only else search(shown, query.removeprefix("content:"))
    documents = Document.objects.filter(api__in=shown.order_by().prefetch_related(None).values("pk"))
    member = user.is_authenticated and user.organisation_id == organisation.pk
    levels = [DocumentVisibility.API_LEVEL, *([DocumentVisibility.PRIVATE] if member else [])]
    documents = documents.filter(visibility__in=levels).defer("text").select_related("api__provider")
    if not terms or any(term.key not in ("", *OF_DOCUMENTS) for term in terms):
        return Found(apis, documents.none())
    for term in terms:
        word = term.value.strip("*")
        written = Q(text__icontains=word, source__in=(DocumentSource.INLINE, DocumentSource.MARKDOWN))
        documents = documents.filter(Q(name__icontains=word) | Q(summary__icontains=word) | written)
    return Found(apis, documents.order_by("name", "pk"))
