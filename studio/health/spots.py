"""Where something stands in a text, and what words before a number say that it is nobody's."""

import re
from bisect import bisect_left
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "iban", "card", "id", "address", "secret", "name"]

LOOK = 60  # characters before a number in which it is announced
OTHER_NUMBER = re.compile(  # what stands before a number that is nobody's
    r"\b(?:ref|refs|referencias?|reference|pedidos?|order|orders|factura|invoice|sku|serie|serial|modelo|model|lote|batch|lot|part"
    r"|expediente|albar[aá]n|p[oó]liza|policy|contador|meter|tracking|seguimiento|parcel|paquete|env[ií]o|shipment|localizador"
    r"|booking|reserva|imei|ean|gtin|upc|isbn|asin|matr[ií]cula|bastidor|vin|presupuesto|quote|precio|price|importe|amount|total"
    r"|lectura|reading|versi[oó]n|build|ticket|caso|case|incidencia|art[ií]culo|article|item|product[oa]?|cat[aá]logo|poblaci[oó]n"
    r"|population|coordenadas|ip|registro|transacci[oó]n|transaction|operaci[oó]n|c[oó]digo|code|expedición|dep[oó]sito|license"
    r"|licencia|firmware|hash|id de pedido|claim|siniestro|contrato|contract|certificado|certificate)\b"
    r"[\W_]*(?:(?:n[ºo°]?|no|n[uú]m\w*|number|nr|de|del|of|is|es|el|la|the|id|con|with)\b[\W_]*){0,3}$",
    re.I,
)


class Found(NamedTuple):
    """One piece of personal data and where it stands: `text[start:end]`. `value` is the same for every way to write it."""

    kind: Kind
    value: str
    start: int
    end: int


class Stretches:
    """Stretches of a text that do not overlap."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Take a stretch, unless part of it is taken already."""
        at = bisect_left(self._starts, end)
        if at and self._ends[at - 1] > start:
            return False
        self._starts.insert(at, start)
        self._ends.insert(at, end)
        return True


def before(text: str, start: int) -> str:
    """The words in which a number is announced."""
    return text[max(start - LOOK, 0) : start]


def of_something_else(text: str, start: int) -> bool:
    """Whether the words before say that the number is an order's, a meter's, a price."""
    return bool(OTHER_NUMBER.search(before(text, start)))
