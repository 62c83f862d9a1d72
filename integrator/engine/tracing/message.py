"""A message that is traced: a Message whose chains run as variants that take notes. Others know nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from integrator.engine.content.payload import Payload
from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.sequence import Chain, Step
from integrator.engine.tracing import look
from integrator.engine.tracing.masking import mask
from integrator.engine.tracing.record import MAX_STEPS, Call, Group, StepRecord, Trace
from integrator.engine.walking import Frame, path_of, walk

if TYPE_CHECKING:
    from wire.client import Client, Response


class Cursor:
    """Where in its trace one message (or copy) stands, and the body as it was last seen."""

    __slots__ = ("body", "here", "mark", "seen", "trace")

    def __init__(self, trace: Trace, here: Group | StepRecord):
        self.trace = trace
        self.here = here
        self.body = -1
        self.mark: tuple[Any, ...] = ()
        self.seen = 0

    def look_at_body(self, message: Message, *, closely: bool) -> int:
        """Number of the present body among the trace's bodies; `closely` when a step may have changed it in place."""
        mark = look.mark(message)
        if mark == self.mark and not (closely and message.payload.built):
            return self.body
        trace = self.trace
        if trace.written > trace.limits.written:
            return self.body
        body, seen = look.body(message, trace)
        trace.written += max(body.size, 0)
        self.mark = mark
        if self.body >= 0 and seen == self.seen and trace.bodies[self.body].content_type == body.content_type:
            return self.body
        if trace.room(len(body.text)):
            body.text = look.without(mask(body.text), trace.secrets)
        else:
            body.text, body.note = "", "not kept: the trace is full"
        self.seen, self.body = seen, len(trace.bodies)
        trace.bodies.append(body)
        return self.body

    def open(self, chain: Chain, start: int) -> Group | None:
        """Begin a run of a list; None when the trace is full."""
        trace = self.trace
        trace.touched.add(chain.name)
        if trace.steps >= MAX_STEPS:
            return None
        trace.steps += 1
        failed = any(item.outcome == "failed" for item in self.here.groups)
        group = Group(chain.name, start, trace.now(), fault=failed)
        self.here.groups.append(group)
        return group


class TracedMessage(Message):
    """Takes notes while it is mediated. `node` is its Cursor."""

    __slots__ = ()

    async def walk(self, chain: Chain, start: int = 0) -> bool:
        """Run the variant of the chain that takes notes."""
        if chain.inner:
            return await walk(self, chain, start)
        cursor = self.node
        outer, group = cursor.here, cursor.open(chain, start)
        if group is None:
            return await walk(self, chain, start)
        cursor.here, going = group, None
        try:
            going = await walk(self, variant_of(chain), start)
        finally:
            cursor.here = outer
            group.outcome = "failed" if going is None else "ok" if going else "ended"
            group.duration_ms = cursor.trace.now() - group.started_ms
        return going

    def through(self, client: Client) -> Client:
        """A client that notes the calls of the step that is running."""
        return cast("Client", NotingClient(client, self.node.trace, self.node.here))

    def copy(self, payload: Payload | None = None) -> Message:
        """A copy whose steps are shown as a branch of the step that made it."""
        made = super().copy(payload)
        cursor = self.node
        made.node = Cursor(cursor.trace, cursor.here)
        if isinstance(cursor.here, StepRecord):
            made.node.here = _Branch(cursor.here, cursor.trace)
        made.node.body, made.node.seen = cursor.body, cursor.seen
        return made


class _Branch(Group):
    """The group of a copy: it joins the step that made the copy when the first list runs in it."""

    __slots__ = ("maker",)

    def __init__(self, maker: StepRecord, trace: Trace):
        super().__init__("", 0, trace.now(), outcome="ok")
        self.maker: StepRecord | None = maker
        self.groups = cast("list[Group]", _Joining(self))


class _Joining(list[Group]):
    """A list that tells its branch of the first append."""

    def __init__(self, branch: _Branch):
        super().__init__()
        self.branch = branch

    def append(self, group: Group) -> None:
        """Join the step, then hold the group."""
        maker = self.branch.maker
        if maker is not None:
            self.branch.maker = None
            maker.copies += 1
            self.branch.label = f"copy {maker.copies}"
            maker.groups.append(self.branch)
        super().append(group)


def variant_of(chain: Chain) -> Chain:
    """The same steps, each taking notes; made once for each chain."""
    made = chain.traced
    if made is None:
        steps = [
            (noting(chain, number, step, reads), False, place)
            for number, ((step, reads), place) in enumerate(zip(chain.steps, chain.places, strict=True))
        ]
        made = Chain(steps, chain.name, chain.on_error, chain.sources)
        made.reads_content = chain.reads_content
        made.traced = chain.traced = made
    return made


def noting(chain: Chain, index: int, step: Step, reads: bool) -> Step:
    """The step, with a note of what it changed, how long it took and how it ended."""

    async def run(message: Message) -> bool | None:
        with _noted(message, chain, index, reads) as end:
            if reads and message.payload.unread is not None:
                await message.payload.read()
            result = step(message)
            if result is not None and not isinstance(result, bool):
                result = await result
            end(result is not False)
        return result

    return run


@contextmanager
def _noted(message: Message, chain: Chain, index: int, reads: bool) -> Iterator[Callable[[bool], None]]:
    cursor = message.node
    trace, outer = cursor.trace, cursor.here
    if trace.steps >= MAX_STEPS or not isinstance(outer, Group):
        trace.left_out += 1
        yield lambda going: None
        return
    trace.steps += 1
    trace.noted += 1
    frame = message.frames[-1] if message.frames else Frame(chain, index)
    record = StepRecord(chain, index, path_of(message, frame), trace.now(), number=trace.noted)
    record.before, before = cursor.look_at_body(message, closely=False), look.look(message, trace)
    outer.steps.append(record)
    cursor.here = record

    def end(going: bool) -> None:
        record.outcome = "ok" if going else "ended"

    try:
        yield end
    except BaseException as error:
        record.outcome = "failed"
        if trace.fault is not error:
            trace.fault = error
            record.error = _error(error, record, chain)
            trace.error = trace.error or record.error
        raise
    finally:
        record.duration_ms = trace.now() - record.started_ms
        cursor.here = outer
        record.after = cursor.look_at_body(message, closely=reads)
        found = look.changes(before, look.look(message, trace), trace.limits, trace.secrets)
        record.changes = [item for item in found if trace.room(len(item.before or "") + len(item.after or ""))]


def _error(error: BaseException, record: StepRecord, chain: Chain) -> dict[str, Any]:
    fault = error if isinstance(error, Fault) else None
    return {
        "code": fault.code if fault else 0,
        "message": mask((fault.message if fault else str(error) or type(error).__name__)[:2000]),
        "path": (fault.path if fault else "") or record.path,
        "place": str((fault.place if fault else None) or chain.places[record.index]),
    }


class NotingClient:
    """Stands before the client for one step."""

    def __init__(self, client: Client, trace: Trace, here: Group | StepRecord):
        self.client = client
        self.trace = trace
        self.here = here

    async def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Response:
        """Send, and note method, address, status and the time to the head of the answer."""
        call = Call(method, look.without(mask(url[:2000]), self.trace.secrets), self.trace.now())
        if len(self.here.calls) < MAX_STEPS:
            self.here.calls.append(call)
        try:
            response = await self.client.request(method, url, *arguments, **options)
        except BaseException as error:
            call.error = mask((str(error) or type(error).__name__)[:500])
            raise
        finally:
            call.duration_ms = self.trace.now() - call.started_ms
        call.status = response.status
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)
