"""Another installation's publisher REST API in this process: just enough to take an API, over real HTTP."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict

ROOT = "/api/am/publisher/v4"


class StoreServer:
    """`apis` holds what it was given, by id; `calls` every call. `refuse` is a status to answer all calls with."""

    def __init__(self, username: str = "admin", password: str = "secret") -> None:  # noqa: S107 - of the test
        self.apis: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refuse = 0
        self.expected = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> StoreServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """Status and JSON of one call."""
        parts = urlsplit(target)
        path, query = parts.path.removeprefix(ROOT), {name: one[0] for name, one in parse_qs(parts.query).items()}
        self.calls.append(f"{method} {path}")
        if self.refuse or not parts.path.startswith(ROOT):
            return self.refuse or 404, {}
        if headers.get("Authorization") != self.expected:
            return 401, {}
        if (method, path) == ("GET", "/apis"):
            return 200, {"list": list(self.apis.values())}
        if (method, path) == ("POST", "/apis/import-openapi"):
            return 201, self._take(f"there-{len(self.apis) + 1}", headers, body)
        if (method, path) == ("POST", "/apis/change-lifecycle"):
            self.apis[query["apiId"]]["lifeCycleStatus"] = "PUBLISHED"
            return 200, {}
        return self._one(method, path.split("/")[2:], body)

    def _one(self, method: str, rest: list[str], body: bytes) -> tuple[int, Any]:
        if not rest or rest[0] not in self.apis:
            return 404, {}
        if method == "DELETE":
            return 200, self.apis.pop(rest[0])
        if method == "PUT" and len(rest) == 1:
            self.apis[rest[0]] |= json.loads(body)
        elif method == "PUT":
            self.apis[rest[0]]["definition"] = body.decode()
        return 200, self.apis[rest[0]]

    def _take(self, identifier: str, headers: Any, body: bytes) -> dict[str, Any]:
        import io  # noqa: PLC0415 - only here

        meta = {"CONTENT_TYPE": headers["Content-Type"], "CONTENT_LENGTH": str(len(body))}
        data, files = MultiPartParser(meta, io.BytesIO(body), []).parse()
        assert isinstance(files, MultiValueDict)
        api = json.loads(data["additionalProperties"]) | {"id": identifier, "lifeCycleStatus": "CREATED"}
        self.apis[identifier] = api
        return api

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _run(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, value = server.answer(self.command, self.path, self.headers, body)
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _run  # noqa: N815 - names of the library

            def log_message(self, *args: object) -> None:
                pass

        return Handler
