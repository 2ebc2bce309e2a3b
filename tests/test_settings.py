"""Settings are what the environment says, and never show the token."""

import dataclasses

import pytest

from cxr.settings import Settings

FULL = {
    "CXR_BASE": "some/base",
    "CXR_BASE_REVISION": "main",
    "CXR_ADAPTER": "some/adapter",
    "CXR_ADAPTER_REVISION": "a" * 40,
    "CXR_PRECISION": "4bit",
    "CXR_TILES": "real",
    "HF_TOKEN": "hf_secret",
    "CXR_ENDPOINT": "http://somebody:pass_secret@host:30000/v1",
    "CXR_ENDPOINT_KEY": "key_secret",
    "CXR_ENDPOINT_MODEL": "some-model",
    "CXR_ENDPOINT_CALIBRATION": "some/folder",
}


def test_nothing_set_asks_for_the_embedded_model() -> None:
    assert Settings.from_env({}) == Settings()


def test_every_variable_arrives_in_its_field() -> None:
    assert Settings.from_env(FULL) == Settings(
        base="some/base",
        base_revision="main",
        adapter="some/adapter",
        adapter_revision="a" * 40,
        precision="4bit",
        tiles="real",
        token="hf_secret",
        endpoint="http://somebody:pass_secret@host:30000/v1",
        endpoint_key="key_secret",
        endpoint_model="some-model",
        endpoint_calibration="some/folder",
    )


@pytest.mark.parametrize("name", FULL)
def test_blank_is_as_good_as_not_set(name: str) -> None:
    """A Space's empty variable arrives as an empty string; a pasted one often ends in a line break."""
    assert Settings.from_env({name: "  \n"}) == Settings()
    assert Settings.from_env({name: f" {FULL[name]}\n"}) == Settings.from_env({name: FULL[name]})


def test_other_variables_change_nothing() -> None:
    assert Settings.from_env({"CXR_OTHER": "x", "PATH": "/bin"}) == Settings()


def test_the_token_is_never_written_out() -> None:
    assert "secret" not in f"{Settings.from_env(FULL)!r} {Settings.from_env(FULL)}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().base = "other"  # type: ignore[misc]


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_BASE", "some/base")
    assert Settings.from_env().base == "some/base"
