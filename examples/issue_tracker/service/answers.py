"""Idempotency-Key: a repeated change with the same key gets the first response and is made once.

The answer is kept in the transaction of the change. A key can be settled: it tells what came of it, and if nothing did,
it is given up, so that a request which is still on its way comes to nothing.
"""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.issue_tracker.service.problems import Problem
from examples.issue_tracker.service.tables import ANSWERS

KEEP_SECONDS = 24 * 3600
MAX_KEY_LENGTH = 64

Body = Mapping[str, Any]


async def first_answer(connection: AsyncConnection, user: str, key: str, request: str) -> tuple[int, Body] | None:
    """Return the earlier response to a request, or `None` if it is new.

    Raises:
        Problem: The key is no key, was used for another request, or was given up.
    """
    if not 8 <= len(key) <= MAX_KEY_LENGTH:
        raise Problem(422, "An Idempotency-Key has 8 to 64 characters.")
    row = (await connection.execute(select(ANSWERS).where(ANSWERS.c.user == user, ANSWERS.c.key == key))).first()
    if row is None:
        return None
    if row.status is None:
        raise Problem(410, "This request was given up before it came. Nothing was changed.")
    if row.digest != request:
        raise Problem(422, "This Idempotency-Key was used for another request.")
    return row.status, row.body


async def keep_answer(
    connection: AsyncConnection, user: str, key: str, request: str, status: int | None, body: Body | None
) -> None:
    """Store the response to a request, and delete old ones."""
    now = time.time()
    await connection.execute(delete(ANSWERS).where(ANSWERS.c.at < now - KEEP_SECONDS))
    row = {"user": user, "key": key, "digest": request, "status": status, "body": body, "at": now}
    await connection.execute(insert(ANSWERS).values(row))


async def settle(connection: AsyncConnection, user: str, key: str) -> Body:
    """Return the result of a key; invalidate the key if there is none."""
    row = (await connection.execute(select(ANSWERS).where(ANSWERS.c.user == user, ANSWERS.c.key == key))).first()
    if row is None:
        await keep_answer(connection, user, key, "", None, None)
    if row is None or row.status is None:
        return {"was_done": False}
    return {"was_done": True, "answer": row.body}


def digest_of(method: str, path: str, body: Body) -> str:
    """Return the digest of a request."""
    return sha256(json.dumps([method, path, dict(body)], sort_keys=True).encode()).hexdigest()
