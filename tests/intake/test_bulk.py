"""Records made by the thousand are the ones pydantic makes, in every respect."""

import copy
import pickle

import pytest
from pydantic import BaseModel, ValidationError

from studio.base.records import Document, Example, Section
from studio.intake.tables import bulk

MADE = bulk.examples([("abc", 3, "¿Abren?", "Sí.", "hours")], "sources/a.csv", "sort")[0]
VALIDATED = Example.model_validate(
    {
        "id": "abc",
        "messages": [{"role": "user", "content": "¿Abren?"}, {"role": "assistant", "content": "Sí."}],
        "task": "sort",
        "topic": "hours",
        "source": "sources/a.csv",
        "row": 3,
    }
)
SECTIONS = bulk.sections(["one", "three"], [2, 3], 10, "Prices")


@pytest.mark.parametrize(
    ("made", "validated"),
    [
        (MADE, VALIDATED),
        (MADE.messages[0], VALIDATED.messages[0]),
        (MADE.messages[1], VALIDATED.messages[1]),
        (SECTIONS[0], Section.model_validate({"start": 10, "end": 13, "sheet": "Prices", "row": 2})),
        (SECTIONS[1], Section.model_validate({"start": 14, "end": 19, "sheet": "Prices", "row": 3})),
    ],
)
def test_a_record_made_in_bulk_is_the_record_pydantic_makes(made: BaseModel, validated: BaseModel) -> None:
    assert made == validated
    assert hash(made) == hash(validated)
    assert repr(made) == repr(validated)
    assert list(made.__dict__) == list(validated.__dict__)
    assert made.model_dump_json() == validated.model_dump_json()
    assert made.model_dump_json(exclude_unset=True) == validated.model_dump_json(exclude_unset=True)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == validated
    assert {*type(made).model_fields} == {*made.__dict__}
    with pytest.raises(ValidationError):
        setattr(made, next(iter(made.__dict__)), "other")


def test_a_copy_of_one_record_changes_no_other() -> None:
    one, other = bulk.examples([("a", 1, "q", "a", ""), ("b", 2, "q", "a", "")], "s", "answer")
    assert one.model_copy(update={"split": "test"}).model_fields_set == {*other.model_fields_set, "split"}
    assert "split" not in other.model_fields_set


def test_a_document_takes_sections_made_in_bulk() -> None:
    document = Document(id="a", name="a", kind="csv", text="", source="", sha256="", sections=tuple(SECTIONS))
    assert Document.model_validate_json(document.model_dump_json()) == document
