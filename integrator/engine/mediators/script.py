"""script: JavaScript on the message, or a Python file of the home (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.scripting import javascript
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import script_function
from integrator.engine.xmltools import children

JAVASCRIPT = ("js", "nashornJs", "rhinoJs")
INSTEAD = {"groovy": "rewrite it in js, or as a Python file (py)", "rb": "rewrite it in js, or as a Python file (py)"}


@dataclass(frozen=True, kw_only=True)
class Script(Mediator):
    """Language, and either inline text or a key with includes and the function to call."""

    language: str
    text: str
    key: Expression | None
    includes: tuple[Expression, ...]
    function: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element; inline JavaScript is checked."""
        reader.only(element, ("include", "description"))
        language = reader.required(element, "language")
        if language in INSTEAD:
            raise reader.fail(element, f"attribute language={language!r} does not run here; {INSTEAD[language]}")
        if language not in (*JAVASCRIPT, "py"):
            raise reader.fail(element, f"attribute language={language!r}: allowed are {', '.join(JAVASCRIPT)}, py")
        key = reader.optional_value(element, "key")
        text = "".join([element.text or "", *(item.tail or "" for item in element)])
        if key is None:
            _check_inline(element, reader, language, text)
        return cls(
            **cls.common(element, reader),
            language=language,
            text="" if key is not None else text,
            key=key,
            includes=tuple(reader.value(item, "key") for item in children(element) if item.get("key")),
            function=(element.get("function") or "mediate") if key is not None else "",
        )

    @property
    def reads_content(self) -> bool:
        """A script may read anything."""
        return True

    def compile(self) -> Step:
        """A step that runs the script: JavaScript in the sandbox, Python on a worker thread."""
        return self._python if self.language == "py" else self._javascript

    async def _javascript(self, message: Message) -> bool:
        script = await self._program(message)
        given = javascript.snapshot(message, script)
        return javascript.apply(message, await javascript.run(script, given))

    async def _program(self, message: Message) -> javascript.Program:
        keys = [*self.includes] if self.key is None else [*self.includes, self.key]
        texts = [required_text(message, key.string(message) or "") for key in keys]
        if self.key is None:
            texts.append(self.text)
        try:
            return await javascript.program_of(tuple(texts), self.function)
        except ValueError as error:
            raise Fault(0, f"script: {error}") from error

    async def _python(self, message: Message) -> bool:
        key = self.key.string(message) or "" if self.key is not None else ""
        function = script_function(message.deployment, key, self.function)
        result: Any = await message.deployment.runtime.run(function, MessageContext(message))
        return result is not False


register("script")(Script)


def required_text(message: Message, key: str) -> str:
    """Text of a script by key: a local entry or a registry resource. Raises Fault when there is none."""
    text = message.deployment.program_text(key)
    if text is None:
        raise Fault(0, f"script key {key!r}: there is no such local entry or registry resource")
    return text


def _check_inline(element: Element, reader: Reader, language: str, text: str) -> None:
    if element.get("function"):
        raise reader.fail(element, "attribute 'function' needs attribute 'key'")
    if language == "py":
        raise reader.fail(element, "Python runs only from a file of the home: attribute 'key' is required")
    if not text.strip():
        raise reader.fail(element, "a script as text, or attribute 'key' is required")
    problem = javascript.syntax(text, False)
    if problem:
        raise reader.fail(element, f"wrong script: {problem}")
