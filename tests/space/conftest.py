"""Uploads of these tests lie in a folder of their own process.

Gradio names an upload by its bytes and removes at its end what a page was sent: in the one folder that all of this
machine's Gradio programs share, a page that ends beside this one would take the same film away.
"""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def keep_uploads_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Until the last test of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield
