"""A GraphQL server in a thread: films, executed by graphql-core; remembers the requests it got."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from graphql import build_schema, graphql_sync

SDL = """
directive @key(fields: String) on OBJECT
type Query {
  allFilms(first: Int, last: Int): [Film]
  film(id: ID): Film
  secret: String
  open: String
}
type Mutation { rate(id: ID, stars: Int): Film drop(id: ID): Boolean }
type Subscription { rated(id: ID): Film released: Film secretly: String }
type Film { id: ID title: String stars: Int director: String createdAt: String planets(first: Int): [Planet] next: Film }
type Planet { climate: String films(first: Int): [Film] }
"""
FILM = {"id": "1", "title": "A New Hope", "stars": 4, "planets": [{"climate": "arid", "films": []}]}
ROOT = {
    "allFilms": lambda info, first=None, last=None: [FILM],
    "film": lambda info, id=None: FILM | {"id": id},
    "secret": "42",
    "open": "house",
    "rate": lambda info, id=None, stars=None: FILM | {"stars": stars},
    "drop": lambda info, id=None: True,
}


class GraphqlBackend:
    """POST with JSON or `application/graphql`, and GET."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.schema = build_schema(SDL)
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """The request in the query string."""
                given = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                if given.get("variables"):
                    given["variables"] = json.loads(given["variables"])
                self._run(given, b"")

            def do_POST(self) -> None:
                """The request in the body."""
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                plain = self.headers["content-type"] == "application/graphql"
                self._run({"query": body.decode()} if plain else json.loads(body), body)

            def _run(self, given: dict[str, Any], body: bytes) -> None:
                backend.requests.append(
                    {"path": self.path, "given": given, "body": body, "headers": dict(self.headers)}
                )
                result = graphql_sync(
                    backend.schema,
                    given["query"],
                    ROOT,
                    variable_values=given.get("variables"),
                    operation_name=given.get("operationName"),
                )
                answer = json.dumps(result.formatted).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/graphql"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
