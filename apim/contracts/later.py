"""Operations that the contracts got after version 4.2: their addresses answer 501 and say what is not there."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.errors import ApimError


class NotThere(ApimError):
    """The operation belongs to a later version of the contract than the one that is kept here."""

    status, code, message = 501, 900501, "Not Implemented"


class Later(APIView):
    """Answers 501 to every method. Nobody has to log in to learn that there is nothing."""

    authentication_classes: ClassVar[list[type]] = []
    permission_classes: ClassVar[list[type]] = []
    what = ""

    def _refuse(self, request: Request, **parameters: str) -> Response:
        raise NotThere(
            f"{self.what}: {request.method} {request.path} belongs to a later version of this contract than 4.2, "
            "which is what this server keeps. docs/coverage/rest.md lists what there is."
        )

    get = post = put = patch = delete = _refuse
