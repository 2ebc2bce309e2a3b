"""The page on the web: where, how much at once, and what is told to nobody. Knows nothing about films or models."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from cxr.results import CxrError
from cxr.space.door import Door
from cxr.space.page import Page
from cxr.space.theme import build_theme

STYLE = Path(__file__).with_name("style.css")
OPENING = 2  # films that are opened or drawn side by side; more only slow each other down
WAITING = 128  # events in the queue; the next one is told that it is full
THREADS = 40  # beside those that readings hold while they wait for the model


def serve(page: Page, environ: Mapping[str, str] = os.environ, **more: Any) -> str:
    """Serve the page in threads of its own, and give its address. Other machines reach it on a Space, or if asked for.

    Args:
        page: What `build_page` made.
        environ: SPACE_ID (set on a Space), GRADIO_SERVER_NAME and GRADIO_SERVER_PORT are read.
        more: Changes to how `gr.Blocks.launch` is called.
    """
    options: dict[str, Any] = {
        "server_name": choose_host(environ),
        "server_port": choose_port(environ),
        "theme": build_theme(),
        "css_paths": STYLE,
        "footer_links": ["api", "settings"],
        "mcp_server": True,
        "max_file_size": 64 * gr.FileSize.MB,
        "max_threads": page.at_once + THREADS,
        "state_session_capacity": page.visitors,
        "app_kwargs": {"middleware": [Middleware(Door, folder=page.folder)]},
        # Nothing that a visitor sends or gets is kept, shown or counted anywhere else.
        "run_history": False,
        "show_error": False,
        "enable_monitoring": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "prevent_thread_lock": True,
        "quiet": True,  # it would say how to give the page a public address
    }
    # Closed: what is asked for past the queue could not be refused when there is too much of it.
    page.queue(max_size=WAITING, default_concurrency_limit=OPENING, api_open=False)
    try:
        _, address, _ = page.launch(**{**options, **more})
    except OSError as error:
        raise CxrError(f"{error} Another port can be named with GRADIO_SERVER_PORT.") from None
    return address


def choose_port(environ: Mapping[str, str]) -> int:
    """GRADIO_SERVER_PORT, or 7860. Raises CxrError where it is no port."""
    named = environ.get("GRADIO_SERVER_PORT") or "7860"
    if not named.isdecimal() or not 0 < int(named) < 65536:
        raise CxrError(f"GRADIO_SERVER_PORT must be a port, 1 to 65535, not {named}.")
    return int(named)


def choose_host(environ: Mapping[str, str]) -> str:
    """GRADIO_SERVER_NAME, or this machine alone, but on a Space everybody: there a proxy stands before the page.

    Raises:
        CxrError: it is no IPv4 address or name of this machine, which is all that Gradio binds.
    """
    named = environ.get("GRADIO_SERVER_NAME")
    if not named:
        return "0.0.0.0" if environ.get("SPACE_ID") else "127.0.0.1"
    try:
        with socket.socket() as line:
            line.bind((named, 0))  # at any free port: said here, Gradio would blame the port
    except (OSError, UnicodeError):
        raise CxrError(
            "GRADIO_SERVER_NAME must be an IPv4 address or a name of this machine, "
            f"or 0.0.0.0 for all of its addresses, not {named}."
        ) from None
    return named
