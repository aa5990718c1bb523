"""Which files speak: said by the host of what it loaded, reckoned by who asks from what lies here now."""

import time

import pytest

from studio.base.errors import Refused
from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import Engine, Text, identity, shelf
from tests.engines import tiny
from tests.engines.conftest import STARTER

QUESTION = (Message(role="user", content="the sun"),)


def first(engine: Engine, **more: object) -> Text:
    pieces = list(engine.chat(QUESTION, model=STARTER, max_tokens=3, **more))  # type: ignore[arg-type]
    assert [piece.spoken_by for piece in pieces[1:] if isinstance(piece, Text)] == [""] * (len(pieces) - 2)
    assert isinstance(pieces[0], Text)
    return pieces[0]


def test_an_answer_says_which_files_spoke_and_the_wrong_ones_never_get_a_word(
    engine: Engine, settings: Settings
) -> None:
    adapters = [tiny.write_adapter(settings.projects / f"p/models/{seed}", seed) for seed in (1, 2)]
    said = [first(engine).spoken_by, *[first(engine, adapter=adapter).spoken_by for adapter in adapters]]
    assert len(set(said)) == 3
    assert [engine.speaks(said[1], STARTER, adapter) for adapter in (None, *adapters)] == [False, True, False]
    assert said[0] == identity.of(STARTER, None, "gguf", settings)
    assert not engine.speaks("fp_of_some_server", STARTER)

    file = shelf.folder_of(STARTER, settings) / "model.gguf"
    whole = file.read_bytes()
    time.sleep(0.01)
    file.write_bytes(whole + b"\0")  # another file than the one the host has in memory
    with pytest.raises(Refused) as refused:
        first(engine)
    assert (refused.value.code, refused.value.parameters) == ("wrong_side", {"name": STARTER})
    file.write_bytes(whole)
    assert first(engine).spoken_by == said[0]
