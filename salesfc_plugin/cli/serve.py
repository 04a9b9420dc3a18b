"""`salesfc serve`: forecasts over HTTP."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path
from typing import Annotated

import typer

from salesfc_plugin.cli.show import SERVE_DATABASE, Quiet
from salesfc_plugin.database import DatabaseError
from salesfc_plugin.errors import SalesfcError

PublishedDatabase = Annotated[
    Path, typer.Option("--db", help="The published database; read when it changes.", envvar="SALESFC_SERVE_DB")
]


def serve(
    db: PublishedDatabase = SERVE_DATABASE,
    host: Annotated[str, typer.Option(help="The address to listen on; by default only this machine can ask.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8321,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token that requests must bring; else SALESFC_SERVE_TOKEN.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Serve forecasts over HTTP.

    GET /published?unique_id=..., POST /forecast, GET /model, /health and /openapi.json.

    Needs the extra `serve`: pip install 'salesfc-plugin[serve]'.

    \b
    Examples:
      salesfc serve
      salesfc serve --host 0.0.0.0 --token-file token.txt
    """
    try:
        from salesfc_plugin.server import run
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "starlette", "anyio"):
            raise
        raise SalesfcError(
            f"`salesfc serve` needs {error.name}, which is not installed: pip install 'salesfc-plugin[serve]'"
        ) from error
    from salesfc_plugin.server.snapshot import Live

    token = run.read_token(token_file)
    if not db.is_file():
        raise DatabaseError(db, "is not there: run `salesfc publish`, or name another with SALESFC_SERVE_DB or --db")
    live = Live(db)
    with run.bound(host, port) as listening:
        address, port = listening.getsockname()[:2]
        if not token and not ipaddress.ip_address(address).is_loopback:
            print(f"Anyone who reaches {address} can ask: {run.TOKEN} sets a token.", file=sys.stderr)
        if not quiet:
            shown = f"[{address}]" if ":" in address else address
            print(f"Serving {live.now().answerer.version} on http://{shown}:{port} (Ctrl-C ends it)", flush=True)
        run.serve(live, listening, token)
