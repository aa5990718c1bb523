"""How the studio speaks in one language: sentences, numbers, dates, and templates filled with them.

Every template escapes what it is given and fails on a name that is missing. HTML is made nowhere else.
"""

import logging
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from studio.base import words
from studio.base.errors import StudioError
from studio.base.records import Approach, Chunk, Fault, Finding, Language, Parameter, Passage
from studio.web import icons

log = logging.getLogger(__name__)


class Voice:
    """A language, with everything that depends on it."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self.t = words.translator(language)

    def html(self, template: str, **values: object) -> Markup:
        """A filled template; safe to be put into another one as it is."""
        return Markup(  # noqa: S704 - made by a template that escapes
            _templates().get_template(template).render(t=self.t, lang=self.language, **values)
        )

    def has(self, key: str) -> bool:
        return key in words.table(self.language)

    # ---- numbers and times

    def number(self, value: Parameter) -> str:
        return words.number(value, self.language)

    def count(self, key: str, n: int) -> str:
        """So many of something: `<key>.one` for a single one."""
        return self.t(f"{key}.one") if n == 1 else self.t(key, n=n)

    def percent(self, share: float) -> str:
        return self.t("unit.percent", n=f"{round(share * 100)}")

    def seconds(self, seconds: float) -> str:
        return self.t("unit.seconds", n=self.number(round(seconds, 1)))

    def minutes(self, minutes: float) -> str:
        if minutes < 1:
            return self.t("unit.under_a_minute")
        whole = round(minutes)
        return self.t("unit.minutes", n=whole) if whole < 90 else self.t("unit.hours", n=round(minutes / 60, 1))

    def size(self, bytes_: float) -> str:
        for unit, scale in (("gb", 1e9), ("mb", 1e6)):
            if bytes_ >= scale:
                return self.t(f"unit.{unit}", n=self.number(round(bytes_ / scale, 1)))
        return self.t("unit.kb", n=self.number(max(round(bytes_ / 1e3), 1)))

    def ago(self, moment: str) -> str:
        """How long ago an ISO 8601 moment was."""
        minutes = int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() / 60)
        if minutes < 1:
            return self.t("ago.now")
        if minutes < 60:
            return self.t("ago.minutes", n=minutes)
        return self.t("ago.hours", n=minutes // 60) if minutes < 1440 else self.t("ago.days", n=minutes // 1440)

    def date(self, moment: str) -> str:
        """Day and time of an ISO 8601 moment, on this computer's clock."""
        local = datetime.fromisoformat(moment).astimezone()
        return self.t("unit.date", year=f"{local:%Y}", month=f"{local:%m}", day=f"{local:%d}", time=f"{local:%H:%M}")

    # ---- codes of the rooms

    def fault(self, fault: Fault | StudioError) -> str:
        try:
            return words.of_fault(fault, self.t)
        except (KeyError, IndexError):
            log.exception("no sentence for error %s in %s", fault.code, self.language)
            return self.t("oops")

    def finding(self, finding: Finding) -> tuple[str, str]:
        try:
            return words.of_finding(finding, self.t)
        except (KeyError, IndexError):
            log.exception("no sentence for finding %s in %s", finding.code, self.language)
            return finding.code.replace("_", " "), ""

    def coded(self, kind: str, code: str, **parameters: Parameter) -> str:
        """The sentence of a stage, a note or a reason; its bare code when the locales lack it."""
        try:
            return self.t(f"{kind}.{code}", **parameters)
        except (KeyError, IndexError):
            log.exception("no sentence for %s.%s in %s", kind, code, self.language)
            return code.replace("_", " ")

    # ---- nouns

    def approach(self, approach: Approach) -> str:
        return self.t(f"approach.{approach}")

    def place(self, passage: Passage) -> str:
        """Where a passage stands, as a reader would look it up: document, page or sheet and row, heading."""
        return self.place_of(passage.chunk)

    def place_of(self, chunk: Chunk) -> str:
        parts = [chunk.document]
        if chunk.page is not None:
            parts.append(self.t("place.page", n=f"{chunk.page}"))
        if chunk.sheet:
            parts.append(chunk.sheet)
        if chunk.row is not None:
            parts.append(self.t("place.row", n=f"{chunk.row}"))
        if chunk.heading:
            parts.append(chunk.heading)
        return ", ".join(parts)


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["icon"] = icons.icon
    return environment
