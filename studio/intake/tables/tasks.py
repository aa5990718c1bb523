"""Which task an example teaches, as people and data sets call it, in English and Spanish."""

from studio.base.folding import plain
from studio.base.records import TASKS, Task

CALLED: dict[Task, str] = {
    "answer": "answering|question answering|qa|question|faq|chat|responder|respuesta|pregunta|preguntas y respuestas",
    "summarise": "summarize|summary|summarisation|summarization|summarising|resumir|resumen|resume",
    "sort": "classify|classification|class|sorting|label|labelling|clasificar|clasificacion|ordenar|etiquetar",
    "translate": "translation|translating|traducir|traduccion|traduce",
    "write": "writing|style|voice|rewrite|draft|compose|escribir|redactar|redaccion|estilo|reescribir",
}
_TASKS: dict[str, Task] = {plain(name): task for task in TASKS for name in (task, *CALLED[task].split("|"))}


def named(text: str) -> Task | None:
    """The task of this name; None for one nobody knows."""
    return _TASKS.get(plain(text))
