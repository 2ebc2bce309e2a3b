"""Programs in processes of their own that serve the page: where, and whether they do."""

import socket
import subprocess
import time

import httpx


def is_up(address: str, program: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether the page answers within so many seconds, and before its program ends."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and program.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return True
        except httpx.TransportError:
            time.sleep(0.2)
    return False


def find_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
