"""Puts a message into a store; into its failover store when it fails and delivery is guaranteed (reference 3.2, 5.9)."""

from __future__ import annotations

import logging

from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.stores.base import Store, StoreError
from integrator.engine.stores.envelope import pack
from integrator.engine.stores.jdbc import ResequenceStore

log = logging.getLogger("integrator.mediation")

NUMBER = "store.resequence.id.path"


async def keep(message: Message, name: str, store: Store) -> None:
    """Store a copy of a message. Raises Fault, with HTTP_SC 500, when neither the store nor its failover store takes it."""
    try:
        await _put(message, name, store)
    except StoreError as error:
        definition = message.deployment.store_definition(name)
        second = definition.failover if definition is not None else ""
        other = message.deployment.stores.get(second) if second else None
        try:
            if other is None:
                raise error
            await _put(message, second, other)
        except StoreError as last:
            message.axis2["HTTP_SC"] = 500
            raise Fault(0, f"message store {name!r}: {last}") from last
        log.warning("message store %s: %s; the message is in %s", name, error, second)


async def _put(message: Message, name: str, store: Store) -> None:
    if not isinstance(store, ResequenceStore):
        await store.put(pack(message))
        return
    definition = message.deployment.store_definition(name)
    text = definition.expressions[NUMBER].string(message) if definition is not None else None
    try:
        number = int(float(text or ""))
    except ValueError as error:
        raise StoreError(f"{NUMBER} gives {text!r}; a whole number is expected") from error
    await store.put_numbered(pack(message), number)
