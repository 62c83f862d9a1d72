"""XSLT 2.0 and later, and XQuery, through SaxonC: loaded at first need, on a thread of its own, without files and network.

SaxonC belongs to the thread that made it; what it compiled is kept there, by text. `lxml` goes on with XSLT 1.0.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from integrator.engine.errors import Fault

T = TypeVar("T")
KEPT = 128
"""Compiled style sheets that are kept."""

WAITING = 256
"""Transformations that wait for the thread; more are refused."""

_CLOSED = {
    "http://saxon.sf.net/feature/allowedProtocols": "",
    "http://saxon.sf.net/feature/allow-external-functions": "false",
}


class Saxon:
    """The processor with what it compiled. Made and used on one thread."""

    def __init__(self) -> None:
        import saxonche  # type: ignore[import-not-found]  # noqa: PLC0415  (20 MB that few homes need)

        self.error: type[Exception] = saxonche.PySaxonApiError
        self.processor: Any = saxonche.PySaxonProcessor(license=False)
        for name, value in _CLOSED.items():
            self.processor.set_configuration_property(name, value)
        self.sheets: dict[str, Any] = {}

    def transform(self, sheet: str, document: str, values: dict[str, str]) -> str:
        """Apply a style sheet to a document. Raises Fault."""
        try:
            compiled = self._sheet(sheet)
            compiled.clear_parameters()
            for name, value in values.items():
                compiled.set_parameter(name, self.processor.make_string_value(value))
            result = compiled.transform_to_string(xdm_node=self.processor.parse_xml(xml_text=document))
        except self.error as error:
            raise Fault(0, f"xslt: {' '.join(str(error).split())[:1000]}") from None
        return without_declaration(result or "")

    def _sheet(self, text: str) -> Any:
        found = self.sheets.get(text)
        if found is None:
            if len(self.sheets) >= KEPT:
                self.sheets.clear()
            found = self.sheets[text] = self.processor.new_xslt30_processor().compile_stylesheet(stylesheet_text=text)
        return found

    def query(self, text: str, document: str | None, variables: list[tuple[str, str, str]]) -> str:
        """Run a query on a document; `variables` are names, types and texts. Raises Fault."""
        try:
            processor = self.processor.new_xquery_processor()
            processor.set_query_content(text)
            for name, kind, value in variables:
                processor.set_parameter(name, self._value(kind, value))
            if document is not None:
                processor.set_context(xdm_item=self.processor.parse_xml(xml_text=document))
            result = processor.run_query_to_string()
        except self.error as error:
            raise Fault(0, f"xquery: {' '.join(str(error).split())[:1000]}") from None
        return without_declaration(result or "")

    def xpath(self, text: str, document: str, values: dict[str, str], names: dict[str, str]) -> list[tuple[str, str]]:
        """Kinds (element, text, boolean, number) and texts of what an XPath selects in a document. Raises Fault."""
        try:
            processor = self.processor.new_xpath_processor()
            for prefix, uri in names.items():
                processor.declare_namespace(prefix, uri)
            for name, value in values.items():
                processor.set_parameter(name, self.processor.make_string_value(value))
            processor.set_context(xdm_item=self.processor.parse_xml(xml_text=document))
            return [_item(item) for item in processor.evaluate(text) or ()]
        except self.error as error:
            raise Fault(0, f"XPath {text!r}: {' '.join(str(error).split())[:1000]}") from None

    def _value(self, kind: str, text: str) -> Any:
        make = _MAKE.get(kind)
        if make is not None:
            return make(self.processor, text)
        node = self.processor.parse_xml(xml_text=text)
        return node if kind == "DOCUMENT" else next(item for item in node.children if item.local_name)


def _item(item: Any) -> tuple[str, str]:
    if not item.is_atomic:
        return ("element", str(item)) if item.node_kind_str == "element" else ("text", item.string_value)
    kind = item.primitive_type_name.rpartition("}")[2].rpartition(":")[2]
    if kind == "boolean":
        return "boolean", item.string_value
    return ("number" if kind in ("integer", "decimal", "double", "float") else "text"), item.string_value


def _whole(processor: Any, text: str) -> Any:
    return processor.make_long_value(int(text))


def _real(processor: Any, text: str) -> Any:
    return processor.make_double_value(float(text))


_MAKE: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("INT", "INTEGER", "BYTE", "SHORT", "LONG"), _whole),
    "DOUBLE": _real,
    "FLOAT": lambda processor, text: processor.make_float_value(float(text)),
    "BOOLEAN": lambda processor, text: processor.make_boolean_value(text.strip().lower() == "true"),
    "STRING": lambda processor, text: processor.make_string_value(text),
}


def without_declaration(text: str) -> str:
    """Text without an XML declaration: it is a document inside a message."""
    return text.partition("?>")[2].lstrip() if text.startswith("<?xml ") else text


_thread: dict[int, ThreadPoolExecutor] = {}
_saxon: dict[int, Saxon] = {}
_waiting = [0]


def call(task: Callable[[Saxon], T], seconds: float) -> T:
    """Do something with the processor, waiting here. Raises Fault after so many seconds, or what the task raises."""
    pid = os.getpid()
    pool = _thread.get(pid)
    if pool is None:
        pool = _thread[pid] = ThreadPoolExecutor(1, thread_name_prefix="saxon")
    work = pool.submit(_do, pid, task)
    try:
        return work.result(seconds)
    except TimeoutError:
        work.cancel()
        raise Fault(0, f"XPath: no outcome within {seconds:g} s") from None


async def run(task: Callable[[Saxon], str]) -> str:
    """Do something with the processor, on its thread. Raises Fault when too many wait, or what the task raises."""
    if _waiting[0] >= WAITING:
        raise Fault(0, "too many XSLT 2.0 and XQuery transformations wait already")
    pid = os.getpid()
    pool = _thread.get(pid)
    if pool is None:
        pool = _thread[pid] = ThreadPoolExecutor(1, thread_name_prefix="saxon")
    _waiting[0] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, _do, pid, task)
    finally:
        _waiting[0] -= 1


def _do(pid: int, task: Callable[[Saxon], T]) -> T:
    found = _saxon.get(pid)
    if found is None:
        found = _saxon[pid] = Saxon()
    return task(found)
