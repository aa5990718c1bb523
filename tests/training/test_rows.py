from types import SimpleNamespace

import pytest

from studio.base.records import Example, Message
from studio.training import loading, packing, rows
from studio.training.rendering import Row


def asked(*before: str) -> Example:
    system = [Message(role="system", content=text) for text in before]
    turns = [*system, Message(role="user", content="When?"), Message(role="assistant", content="At noon.")]
    return Example(id="".join(before), messages=tuple(turns))


@pytest.mark.parametrize(
    ("examples", "frame"),
    [
        ([asked("You help guests."), asked("You help guests.")], "You help guests."),
        ([asked("You help guests."), asked("You help clerks.")], ""),
        ([asked("You help guests."), asked()], ""),
        ([asked(), asked()], ""),
    ],
)
def test_the_frame_is_the_system_message_that_all_examples_begin_with(examples: list[Example], frame: str) -> None:
    assert rows.frame(examples) == frame


def test_rows_that_begin_with_one_of_a_few_system_messages_go_through_apart() -> None:
    long, other, short = [7] * packing.OPENING, [8] * packing.OPENING, [1, 2]
    found = [Row([*before, number], [number]) for number, before in enumerate([long, other, long, other])]
    assert packing._openings(found) == [[0, 2], [1, 3]]
    assert packing._openings([Row([*short, number], [number]) for number in range(5)]) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(("millions", "layers"), [(135, [15, 16, 17, 18, 19]), (1_700, None)])
def test_the_adapter_of_a_small_model_goes_into_its_upper_half(millions: int, layers: list[int] | None) -> None:
    found = loading.upper(SimpleNamespace(config=SimpleNamespace(num_hidden_layers=30)), millions * 1_000_000)
    assert (found and found[:5]) == layers
