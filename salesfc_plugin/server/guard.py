"""What a request must pass before anything reads it: the token, and bounds of size and time."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/health",)  # what a load balancer asks
_HEARD_OUT = 16  # times the largest body: many clients read no answer before all of theirs is sent


class Guard:
    """An ASGI middleware.

    Args:
        app: what is behind it.
        token: that ``Authorization: Bearer`` must have; empty if anyone may ask.
        largest: bytes of a body.
        patience: seconds for which a body may take to arrive.
    """

    def __init__(self, app: ASGIApp, token: str, largest: int, patience: float) -> None:
        self.app, self.largest, self.patience = app, largest, patience
        self._wanted = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 401, 408 or 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not self._knows(headers.get(b"authorization", b"")):
            await _refuse(send, 401, "header.authorization", "the token is missing or wrong", "Bearer TOKEN")
            return
        try:
            async with asyncio.timeout(self.patience):
                body = await self._body(headers.get(b"content-length", b""), receive)
        except TimeoutError:
            await _refuse(send, 408, "body", f"it did not arrive within {self.patience:g} seconds", "send it at once")
            return
        if body is None:
            await _refuse(send, 413, "body", "it is too large", f"at most {self.largest:,} bytes")
            return
        await self.app(scope, _replay(body, receive), send)

    def _knows(self, given: bytes) -> bool:
        """Whether the token is right; compared in constant time, so that how long it takes tells nothing of it."""
        return not self._wanted or hmac.compare_digest(given, self._wanted)

    async def _body(self, announced: bytes, receive: Receive) -> bytes | None:
        """The whole body, or None if it is too large."""
        if announced.isdigit() and int(announced) > _HEARD_OUT * self.largest:
            return None
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break  # the client has gone
            part = message.get("body", b"")
            size += len(part)
            if size > _HEARD_OUT * self.largest:
                return None
            if size <= self.largest:
                parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts) if size <= self.largest else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands out a body that was read already."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _refuse(send: Send, status: int, where: str, problem: str, right: str) -> None:
    body = json.dumps({"detail": [{"where": where, "problem": problem, "right": right}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    else:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
