"""A steady stream of calls over several connections, and what was answered: to see how far beyond a limit they get."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Flood:
    """What came of it: answers by status, and each call's seconds in order."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The time within which `share` of the calls were answered, seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def flood(port: int, path: str, token: str, calls: int, rate: float, connections: int) -> Flood:
    """Sends `calls` to 127.0.0.1:`port`, `rate` a second spread over `connections` that stay open."""
    request = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    found = Flood()
    began = time.perf_counter()
    await asyncio.gather(
        *(_caller(port, request, range(first, calls, connections), rate, began, found) for first in range(connections))
    )
    return found


async def _caller(port: int, request: bytes, numbers: range, rate: float, began: float, found: Flood) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            early = began + number / rate - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            found.seconds.append(time.perf_counter() - sent)
            found.statuses[int(head[9:12])] += 1
    finally:
        writer.close()
