import pytest

from studio.base import words
from studio.base.records import Language, Parameter


@pytest.mark.parametrize(
    ("value", "language", "written"),
    [
        (1284, "en", "1,284"),
        (1284, "es", "1284"),
        (12840, "es", "12.840"),
        (4.5, "en", "4.5"),
        (4.5, "es", "4,5"),
        (12345.678, "es", "12.345,68"),
        (3.0, "en", "3"),
        ("a.b", "es", "a.b"),
    ],
)
def test_numbers_are_written_as_readers_of_the_language_write_them(
    value: Parameter, language: Language, written: str
) -> None:
    assert words.number(value, language) == written


def test_durations_read_like_a_clock() -> None:
    assert [words.duration(s) for s in (-3, 7.9, 65, 3725)] == ["0:00", "0:07", "1:05", "1 h 02 min"]
