"""What is recommended, and for which reasons."""

from typing import Literal

from pydantic import Field

from studio.base.records.record import Approach, Parameter, Record


class Reason(Record):
    """One argument of a recommendation, worded by `reason.<code>`; `speaks` says whether for or against."""

    code: str
    speaks: Literal["for", "against"] = "for"
    parameters: dict[str, Parameter] = {}


class Option(Record):
    """One approach as advised: `fit` in 0..1 orders them, the reasons say why; `minutes` is the estimated building time."""

    approach: Approach
    fit: float = Field(ge=0, le=1)
    recommended: bool = False
    possible: bool = True
    minutes: float = 0.0
    reasons: tuple[Reason, ...] = ()


class Advice(Record):
    options: tuple[Option, ...]

    @property
    def recommended(self) -> tuple[Approach, ...]:
        return tuple(option.approach for option in self.options if option.recommended)
