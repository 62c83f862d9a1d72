"""A SOAP service in a thread: the films of tests/corpus/soap/films.wsdl, for SOAP 1.1 and 1.2; remembers its requests."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lxml import etree

WSDL = Path(__file__).resolve().parents[1] / "corpus" / "soap" / "films.wsdl"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
NS = "http://films.example/"

ANSWERS = {
    "GetFilm": f'<f:GetFilmResponse xmlns:f="{NS}"><f:film id="7"><f:title>Brazil</f:title><f:stars>4.5</f:stars>'
    "<f:actor><f:name>Pryce</f:name></f:actor><f:actor><f:name>Greist</f:name></f:actor></f:film></f:GetFilmResponse>",
    "AddFilm": f'<f:AddFilmResponse xmlns:f="{NS}"><f:count>3</f:count></f:AddFilmResponse>',
    "RateFilm": f'<f:RateFilmResponse xmlns:f="{NS}"><f:ok>true</f:ok></f:RateFilmResponse>',
}


class SoapBackend:
    """Answers with the same film; an id of 404 gives a SOAP fault."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_POST(self) -> None:
                """One message."""
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                envelope = etree.fromstring(body)
                space = etree.QName(envelope).namespace
                operation = envelope.find(f"{{{space}}}Body")[0]
                backend.requests.append({"path": self.path, "headers": headers, "body": body, "operation": operation})
                failed = operation.findtext(f"{{{NS}}}id") == "404"
                inside = _fault(space) if failed else ANSWERS[etree.QName(operation).localname]
                text = f'<s:Envelope xmlns:s="{space}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()
                self.send_response(500 if failed else 200)
                kind = "text/xml" if space == SOAP11 else "application/soap+xml"
                self.send_header("content-type", f"{kind}; charset=utf-8")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/soap/films"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()


def _fault(space: str) -> str:
    if space == SOAP11:
        return "<s:Fault><faultcode>s:Client</faultcode><faultstring>no such film</faultstring></s:Fault>"
    return (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
        '<s:Reason><s:Text xml:lang="en">no such film</s:Text></s:Reason></s:Fault>'
    )
