"""Every test runs offline: a connection that would leave this machine fails and says so."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

# Before Hugging Face or torch is imported: no telemetry, and one thread a worker on a machine with few cores.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def stay_offline() -> Iterator[None]:
    """Refuse every connection but those to this machine."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise ConnectionRefusedError(f"a test tried to reach {address[0]}; tests run offline")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


def is_here(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
