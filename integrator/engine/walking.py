"""Running the steps of one list: the one place where the body is read for them and errors get their place and path."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from integrator.engine.errors import Fault

if TYPE_CHECKING:
    from integrator.engine.message import Message
    from integrator.engine.sequence import Chain

MAX_NESTING = 100
ARROW = " → "


class Frame:
    """One running list of steps and how far it is; lets a copy go on where its parent stood."""

    __slots__ = ("chain", "index")

    def __init__(self, chain: Chain, index: int = 0):
        self.chain = chain
        self.index = index


async def walk(message: Message, chain: Chain, start: int = 0) -> bool:
    """Run the steps of a chain in order until one returns False. Raises Fault with place and path of the step."""
    frames = message.frames
    if len(frames) > MAX_NESTING:
        raise Fault(0, f"sequences are nested more than {MAX_NESTING} deep at {chain.name!r}")
    frame = Frame(chain, start)
    frames.append(frame)
    try:
        for step, reads in chain.steps[start:] if start else chain.steps:
            if reads and message.payload.unread is not None:
                await message.payload.read()
            result = step(message)
            if result is not None and result is not True and (result is False or await result is False):
                return False
            frame.index += 1
        return True
    except Fault as fault:
        fault.place = fault.place or chain.places[frame.index]
        fault.path = fault.path or path_of(message, frame)
        raise
    except Exception as error:  # noqa: BLE001  (the edge of mediation: any error of a step becomes a fault)
        wrapped = Fault(0, str(error) or type(error).__name__, traceback.format_exc(), chain.places[frame.index])
        wrapped.path = path_of(message, frame)
        raise wrapped from error
    finally:
        if frames and frames[-1] is frame:
            frames.pop()


def path_of(message: Message, frame: Frame) -> str:
    """The way to the step a frame stands at: `api orders → /{id} inSequence → filter → then → call[2]`."""
    kind, _, name = message.flow.artifact.partition(":")
    frames = message.frames if frame in message.frames else [frame]
    parts = [f"{kind} {name}".strip()]
    for item in frames:
        if item.chain.name != parts[-1]:
            parts.append(item.chain.name)
        parts.append(step_name(item.chain, item.index))
        parts = [part for part in parts if part]
    return ARROW.join(parts)


def step_name(chain: Chain, index: int) -> str:
    """`call[2]` for the second of several call elements of a list, `call` for the only one; empty for an inner step."""
    if chain.inner or index >= len(chain.places):
        return ""
    element = chain.places[index].element
    same = [number for number, place in enumerate(chain.places) if place.element == element]
    return f"{element}[{same.index(index) + 1}]" if len(same) > 1 else element
