"""Run the service: one process, on a port of this machine unless told otherwise."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.server.app import make_app
from salesfc_plugin.server.patience import PatientProtocol
from salesfc_plugin.server.snapshot import Live

TOKEN = "SALESFC_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_SHORTEST_TOKEN = 16
_AT_ONCE = 1000  # connections; who comes on top of them gets 503


class ServeError(SalesfcError):
    """The service cannot start: why, and what to do."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        ServeError: if another program listens there, or the address is not of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServeError(f"cannot listen on {host}:{port}: {reason}; choose another --port or --host") from error
    # asyncio does it only for sockets of its own: without it, an answer waits 40 ms for the client's acknowledgement
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def read_token(file: Path | None) -> str:
    """The token that requests must bring: of a file, else of the environment; empty if there is none.

    Raises:
        ServeError: if the file cannot be read, or the token is too short or no plain text.
    """
    where = TOKEN if file is None else str(file)
    try:
        token = os.environ.get(TOKEN, "") if file is None else file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"the token cannot be read from {file}: {error}") from error
    if file is None and not token:
        return ""
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ServeError(f"the token in {where} must have {_SHORTEST_TOKEN} or more ASCII characters without spaces")
    return token


def serve(live: Live, listening: socket.socket, token: str) -> None:
    """Answer until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        make_app(live, token),
        http=PatientProtocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listening])
