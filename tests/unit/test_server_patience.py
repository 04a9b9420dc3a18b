"""Who says nothing is hung up on; who talks is not, however long it takes."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from salesfc_plugin.server.patience import PatientProtocol
from salesfc_plugin.server.run import bound

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Impatient(PatientProtocol):
    patience = 0.4


async def slow(_: Any, receive: Any, send: Any) -> None:
    """An application that takes longer for an answer than the protocol waits for a head."""
    await asyncio.sleep(2 * Impatient.patience)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = bound("127.0.0.1", 0)
    config = uvicorn.Config(slow, http=Impatient, lifespan="off", log_level="error", timeout_keep_alive=30)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def asked(client: socket.socket) -> bytes:
    client.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"ok"):
        answer += client.recv(1000)
    return answer


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost"])
def test_a_head_that_does_not_come_ends_the_connection(port: int, begun: bytes) -> None:
    with connected(port) as client:
        client.sendall(begun)
        started = time.perf_counter()
        assert client.recv(100) == b""
        assert time.perf_counter() - started > 0.5 * Impatient.patience


def test_an_answer_may_take_longer(port: int) -> None:
    with connected(port) as client:
        assert asked(client).startswith(b"HTTP/1.1 200")


def test_a_second_head_that_does_not_come_ends_it_too_but_a_pause_does_not(port: int) -> None:
    with connected(port) as client:
        for _ in range(2):
            assert asked(client).startswith(b"HTTP/1.1 200")
            time.sleep(1.5 * Impatient.patience)
        client.sendall(b"GET / HT")
        assert client.recv(100) == b""
