"""The port the studio listens on, and what is said when it cannot be had."""

import socket

import pytest

from studio.base.errors import BadInput
from studio.web import serving


def test_a_port_in_use_is_named_with_one_that_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(BadInput) as said:
            serving._listen("127.0.0.1", taken)
    assert said.value.code == "port_taken"
    assert said.value.parameters["port"] == str(taken)
    assert int(said.value.parameters["free"]) not in (0, taken)


@pytest.mark.parametrize("port", [65536, 700_000, -1])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(BadInput) as said:
        serving._listen("127.0.0.1", port)
    assert (said.value.code, said.value.parameters) == ("port_wrong", {"port": str(port)})


@pytest.mark.parametrize(("platform", "shared"), [("linux", True), ("darwin", True), ("win32", False)])
def test_windows_never_shares_a_port_with_another_program(
    platform: str, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause: there SO_REUSEADDR lets a second program take over a port that is in use."""
    monkeypatch.setattr(serving.sys, "platform", platform)
    with serving._listen("127.0.0.1", 0) as listener:
        assert bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is shared
