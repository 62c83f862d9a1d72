"""What runs in a process of the sandbox: steps come in on standard input, their result goes out on standard output.

Started as a file, without site-packages and with an empty environment; it must import nothing of ours. Arguments: the
folder of QuickJS, bytes of memory, bytes of stack, seconds of processor time, and a file that each new engine runs first.
"""

import os
import resource
import signal
import struct
import sys
from typing import Any

KEEP = 48 * 1024 * 1024
"""Bytes that the process may go on holding; with more it ends after its answer, so that one big run is not paid for ever."""
ADDRESS_SPACE = 1024 * 1024 * 1024
"""Bytes of address space: far above the limit of the engine, in case something escapes that one."""


def read(size: int) -> bytes:
    """Exactly so many bytes of standard input. Ends the process at its end."""
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive() -> list[str]:
    """The steps of one run: kinds and arguments in turn."""
    data = read(struct.unpack("!I", read(4))[0])
    texts, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("!I", data, at)
        texts.append(data[at + 4 : at + 4 + size].decode("utf-8", "surrogatepass"))
        at += 4 + size
    return texts


def answer(kind: bytes, text: str) -> None:
    """Send the result of a run: V value, N no text, E the script failed; in small letters when the process ends now."""
    data = text.encode("utf-8", "surrogatepass")
    out = memoryview(struct.pack("!Ic", len(data) + 1, kind) + data)
    while out:
        out = out[os.write(1, out) :]


def engine_of(quickjs: Any, memory: int, stack: int, seconds: float, prelude: str) -> tuple[Any, Any]:
    """A new engine, and what the prelude gave."""
    engine = quickjs.Context()
    engine.set_memory_limit(memory)
    engine.set_max_stack_size(stack)
    engine.set_time_limit(seconds)
    return engine, engine.eval(prelude) if prelude else None


def run(engine: Any, prelude: Any, steps: list[str]) -> Any:
    """Do the steps; the result of the last one, or what the prelude makes of it."""
    result = finish = None
    for kind, text in zip(steps[::2], steps[1::2], strict=True):
        if kind == "given":
            finish = prelude(engine.parse_json(text))
        elif kind == "eval":
            result = engine.eval(text)
        elif kind == "call":
            engine.set("__name", text)
            result = engine.eval("globalThis[__name](mc)")
        else:
            engine.set(kind.removeprefix("set "), text)
    return result if finish is None else finish(result is not False)


def outcome(engine: Any, prelude: Any, steps: list[str], seconds: float) -> tuple[bytes, str]:
    """Run the steps; after so many seconds the kernel ends the process, whatever it is doing."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        result = run(engine, prelude, steps)
        return (b"V", result) if isinstance(result, str) else (b"N", "")
    except Exception as error:  # noqa: BLE001  (whatever a script does is told, and the process goes on)
        return b"E", str(error)[:4000]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Serve runs until standard input ends."""
    folder, memory, stack, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    prelude = ""
    if sys.argv[5]:
        with open(sys.argv[5], encoding="utf-8") as file:  # noqa: PTH123  (pathlib is a large import for one file)
            prelude = file.read()
    sys.path.append(folder)
    import _quickjs as quickjs  # type: ignore[import-not-found]  # noqa: PLC0415  (its folder is an argument)

    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for bounded in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(bounded, (0, 0))
    page = resource.getpagesize()
    held = os.open("/proc/self/statm", os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    ends = False
    while not ends:
        made = engine_of(quickjs, memory, stack, seconds, prelude)  # before the run that needs it
        kind, text = outcome(*made, receive(), 2 * seconds)
        del made
        ends = int(os.pread(held, 100, 0).split()[1]) * page > KEEP
        answer(kind.lower() if ends else kind, text)


main()
