"""The operations: each a Redis command, its arguments in order, and what becomes of its reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from integrator.connectors.redis.connection import CODE, NAME, client_of
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

WORDS = frozenset({"redisFields", "redisFieldsValues", "redisStrings", "redisMembers", "redisKeysValues", "redisSets"})
"""Several values in one parameter, parted by spaces, or a JSON array."""
MANY_KEYS = frozenset(
    {"mGet", "sInter", "sUnion", "del", "exists", "sDiffStore", "sInterStore", "sUnionStore", "zUnionStore"}
)
NUMBERS = frozenset(
    {
        "redisSeconds", "redisUnixTime", "redisStart", "redisEnd", "redisCount", "redisIndex", "redisOffset",
        "redisInteger", "redisBlPopTimeout", "redisBrPopTimeout",
    }
)  # fmt: skip
ABOUT = {
    "redisKey": "The key; several parted by spaces where the command takes several.",
    "redisValue": "The value.",
    "redisField": "The field of the hash.",
    "redisFields": "Fields, parted by spaces.",
    "redisFieldsValues": "Field, value, field, value…, parted by spaces, or a JSON object.",
    "redisKeysValues": "Key, value, key, value…, parted by spaces, or a JSON object.",
    "redisStrings": "Values, parted by spaces, or a JSON array.",
    "redisMembers": "Members, parted by spaces, or a JSON array.",
}


@dataclass(frozen=True)
class Command:
    """Words of the command, its parameters in the order of its arguments, and how its reply is shown."""

    words: str
    parameters: tuple[str, ...] = ()
    shape: Callable[[Any], Any] | None = None


def _pairs(reply: Any) -> Any:
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=False))


def _yes(reply: Any) -> bool:
    return bool(reply)


K, V, F = "redisKey", "redisValue", "redisField"
COMMANDS: dict[str, Command] = {
    "echo": Command("ECHO", ("redisMessage",)),
    "ping": Command("PING"),
    "hDel": Command("HDEL", (K, "redisFields")),
    "hExists": Command("HEXISTS", (K, F), _yes),
    "hGet": Command("HGET", (K, F)),
    "hGetAll": Command("HGETALL", (K,), _pairs),
    "hIncrBy": Command("HINCRBY", (K, F, V)),
    "hKeys": Command("HKEYS", (K,)),
    "hLen": Command("HLEN", (K,)),
    "hMGet": Command("HMGET", (K, "redisFields")),
    "hMSet": Command("HMSET", (K, "redisFieldsValues")),
    "hSet": Command("HSET", (K, F, V)),
    "hSetnX": Command("HSETNX", (K, F, V)),
    "hVals": Command("HVALS", (K,)),
    "del": Command("DEL", (K,)),
    "exists": Command("EXISTS", (K,), _yes),
    "expire": Command("EXPIRE", (K, "redisSeconds")),
    "expireAt": Command("EXPIREAT", (K, "redisUnixTime")),
    "randomKey": Command("RANDOMKEY"),
    "rename": Command("RENAME", ("redisOldKey", "redisNewKey")),
    "renamenX": Command("RENAMENX", ("redisOldKey", "redisNewKey")),
    "ttl": Command("TTL", (K,)),
    "type": Command("TYPE", (K,)),
    "blPop": Command("BLPOP", (K, "redisBlPopTimeout")),
    "brPop": Command("BRPOP", (K, "redisBrPopTimeout")),
    "lInsert": Command("LINSERT", (K, "redisWhere", "redisPivot", V)),
    "lLen": Command("LLEN", (K,)),
    "lPop": Command("LPOP", (K,)),
    "lPush": Command("LPUSH", (K, "redisStrings")),
    "lPushX": Command("LPUSHX", (K, "redisString")),
    "lRange": Command("LRANGE", (K, "redisStart", "redisEnd")),
    "lRem": Command("LREM", (K, "redisCount", V)),
    "lSet": Command("LSET", (K, "redisIndex", V)),
    "lTrim": Command("LTRIM", (K, "redisStart", "redisEnd")),
    "rPopLPush": Command("RPOPLPUSH", ("redisSrckey", "redisDstkey")),
    "rPush": Command("RPUSH", (K, "redisStrings")),
    "rPushX": Command("RPUSHX", (K, V)),
    "flushDB": Command("FLUSHDB"),
    "sadd": Command("SADD", (K, "redisMembers")),
    "sDiffStore": Command("SDIFFSTORE", ("redisDstkey", K)),
    "sInter": Command("SINTER", (K,), sorted),
    "sInterStore": Command("SINTERSTORE", ("redisDstkey", K)),
    "sIsMember": Command("SISMEMBER", (K, "redisMember"), _yes),
    "sMembers": Command("SMEMBERS", (K,), sorted),
    "sMove": Command("SMOVE", ("redisSrckey", "redisDstkey", "redisMember")),
    "sPop": Command("SPOP", (K,)),
    "sRandMember": Command("SRANDMEMBER", (K,)),
    "sRem": Command("SREM", (K, "redisMembers")),
    "sUnion": Command("SUNION", (K,), sorted),
    "sUnionStore": Command("SUNIONSTORE", ("redisDstkey", K)),
    "zadd": Command("ZADD", (K, "redisScore", "redisMember")),
    "zCount": Command("ZCOUNT", (K, "redisMin", "redisMax")),
    "zIncrBy": Command("ZINCRBY", (K, "redisScore", "redisMember")),
    "zRange": Command("ZRANGE", (K, "redisStart", "redisEnd")),
    "zRangeByScore": Command("ZRANGEBYSCORE", (K, "redisMin", "redisMax")),
    "zRank": Command("ZRANK", (K, "redisMember")),
    "zRem": Command("ZREM", (K, "redisMembers")),
    "zRemRangeByScore": Command("ZREMRANGEBYSCORE", (K, "redisStart", "redisEnd")),
    "zRevRange": Command("ZREVRANGE", (K, "redisStart", "redisEnd")),
    "zRevRangeByScore": Command("ZREVRANGEBYSCORE", (K, "redisMax", "redisMin")),
    "zRevRank": Command("ZREVRANK", (K, "redisMember")),
    "zScore": Command("ZSCORE", (K, "redisMember"), float),
    "append": Command("APPEND", (K, V)),
    "decrBy": Command("DECRBY", (K, "redisInteger")),
    "get": Command("GET", (K,)),
    "getObjectIdleTime": Command("OBJECT IDLETIME", (K,)),
    "getRange": Command("GETRANGE", (K, "redisStart", "redisEnd")),
    "getSet": Command("GETSET", (K, V)),
    "incrBy": Command("INCRBY", (K, "redisInteger")),
    "mGet": Command("MGET", (K,)),
    "mSet": Command("MSET", ("redisKeysValues",)),
    "mSetnX": Command("MSETNX", ("redisKeysValues",)),
    "set": Command("SET", (K, V)),
    "setBit": Command("SETBIT", (K, "redisOffset", V)),
    "setnX": Command("SETNX", (K, V)),
    "setRange": Command("SETRANGE", (K, "redisOffset", V)),
    "strLen": Command("STRLEN", (K,)),
}
NULL_IS_AN_ANSWER = frozenset({"hMGet", "mGet", "randomKey"})


def declare_all(connector: Connector) -> None:
    """Put every command, and `keys`, into the connector."""
    for name, command in COMMANDS.items():
        parameters = [_parameter(item) for item in command.parameters]
        connector.operation(name, *parameters, about=f"`{command.words}`.")(_runner(name, command))
    pattern = Parameter("redisPattern", "Pattern of the keys, with * ? [ ].", default="*")
    connector.operation("keys", pattern, about="Keys that fit a pattern, by `SCAN`, as many as the operator allows.")(
        find_keys
    )


def _parameter(name: str) -> Parameter:
    kind = "integer" if name in NUMBERS else "any" if name in WORDS else "string"
    return Parameter(name, ABOUT.get(name, ""), kind, required=True)


def _runner(name: str, command: Command) -> Callable[[Call], Any]:
    many = name in MANY_KEYS

    async def run(call: Call) -> Any:
        arguments: list[Any] = []
        for item in command.parameters:
            value = call[item]
            spread = item in WORDS or (many and item == K)
            arguments += _words(value) if spread else [value]
        client: Any = await client_of(call)
        try:
            reply = await client.execute_command(*command.words.split(), *arguments)
        except (RedisError, OSError) as error:
            raise ConnectorError(CODE, NAME, f"{command.words}: {type(error).__name__}: {error}") from error
        if reply is None and name not in NULL_IS_AN_ANSWER:
            raise ConnectorError(CODE, "REDIS:NO_VALUE", f"{command.words}: the server has no value")
        return {"output": _plain(command.shape(reply) if command.shape else reply)}

    return run


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [str(part) for pair in value.items() for part in pair]
    if isinstance(value, list):
        return [str(part) for part in value]
    return str(value).split()


def _plain(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {str(name): _plain(value) for name, value in reply.items()}
    if isinstance(reply, Iterable) and not isinstance(reply, str | bytes):
        return [_plain(item) for item in reply]
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


async def find_keys(call: Call) -> Any:
    """Keys that fit a pattern; never `KEYS`, which stops the server for everybody."""
    client: Any = await client_of(call)
    most = call.limits.most
    found: set[str] = set()
    cursor = "0"
    try:
        while len(found) < most:
            cursor, keys = await client.execute_command("SCAN", cursor, "MATCH", call["redisPattern"], "COUNT", 1000)
            found.update(keys)
            if str(cursor) == "0":
                break
    except (RedisError, OSError) as error:
        raise ConnectorError(CODE, NAME, f"SCAN: {type(error).__name__}: {error}") from error
    return {"output": sorted(found)[:most]}
