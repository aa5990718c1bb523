"""Writes one conversation the way phones export it: platform, language, date, clock. The tests read it back."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from studio.intake.chats.whatsapp import Kind, Said


class Form(NamedTuple):
    """How a phone writes: `date` for strftime ("-" takes a leading zero away), the clock, what stands around."""

    platform: str
    language: str
    date: str
    clock: str = "24"
    around: str = "{} - "
    between: str = ", "
    end: str = "\n"


FORMS = {
    "Android en-GB": Form("Android", "en", "%d/%m/%Y"),
    "Android en-GB 12 h": Form("Android", "en", "%d/%m/%Y", "pm"),
    "Android en-US": Form("Android", "en", "%-m/%-d/%y", "\u202fPM"),
    "Android en-US before 2023": Form("Android", "en", "%-m/%-d/%y", " PM"),
    "Android en-US 24 h": Form("Android", "en", "%-m/%-d/%y"),
    "Android en-IN": Form("Android", "en", "%d/%m/%y", "\u202fpm"),
    "Android en-AU": Form("Android", "en", "%-d/%-m/%Y", " pm"),
    "Android en-CA": Form("Android", "en", "%Y-%m-%d", "\u202fp.m."),
    "Android en-ZA": Form("Android", "en", "%Y/%m/%d"),
    "Android en, Windows line ends": Form("Android", "en", "%d/%m/%Y", end="\r\n"),
    "Android es-ES": Form("Android", "es", "%-d/%-m/%y"),
    "Android es-ES before 2019": Form("Android", "es", "%-d/%-m/%y", between=" "),
    "Android es-ES 12 h": Form("Android", "es", "%-d/%-m/%y", "\u00a0p.\u00a0m."),
    "Android es-ES long dash": Form("Android", "es", "%d/%m/%Y", around="{} – "),
    "Android es-ES a las": Form("Android", "es", "%d/%m/%Y", between=" a las "),
    "Android es-MX": Form("Android", "es", "%d/%m/%y", "\u202fp.\u202fm."),
    "Android es-CO": Form("Android", "es", "%-d/%m/%Y", " p. m."),
    "Android es-AR": Form("Android", "es", "%-d/%-m/%Y", " p. m.", between=" "),
    "Android es-CL": Form("Android", "es", "%d-%m-%y"),
    "Android es-PE": Form("Android", "es", "%-d/%m/%Y", " p.m."),
    "Android es-US": Form("Android", "es", "%-m/%-d/%Y", " p.m."),
    "Android pt-BR": Form("Android", "pt", "%d/%m/%Y", between=" "),
    "Android fr-FR": Form("Android", "fr", "%d/%m/%Y", between=" à "),
    "Android de-DE": Form("Android", "de", "%d.%m.%y"),
    "Android it-IT": Form("Android", "it", "%d/%m/%y"),
    "Android nl-NL": Form("Android", "en", "%d-%m-%Y", between=" "),
    "Android sv-SE": Form("Android", "en", "%Y-%m-%d", between=" "),
    "Android cs-CZ": Form("Android", "en", "%-d. %-m. %Y", between=" "),
    "Android hu-HU": Form("Android", "en", "%Y. %m. %d.", between=" "),
    "Android fi-FI": Form("Android", "en", "%-d.%-m.%Y", "24.", between=" klo "),
    "Android da-DK": Form("Android", "en", "%d.%m.%Y", "24.", between=" "),
    "iOS en-GB": Form("iOS", "en", "%d/%m/%Y", around="[{}] "),
    "iOS en-US": Form("iOS", "en", "%-m/%-d/%y", "\u202fPM", "[{}] "),
    "iOS en-US before 17": Form("iOS", "en", "%-m/%-d/%y", " PM", "[{}] "),
    "iOS en-CA": Form("iOS", "en", "%Y-%m-%d", " p.m.", "[{}] "),
    "iOS es-ES": Form("iOS", "es", "%-d/%-m/%y", around="[{}] "),
    "iOS es-ES four digits": Form("iOS", "es", "%d/%m/%Y", around="[{}] ", between=" "),
    "iOS es-MX": Form("iOS", "es", "%d/%m/%y", " p.m.", "[{}] "),
    "iOS es-CO": Form("iOS", "es", "%-d/%m/%y", "\u202fp.\u00a0m.", "[{}] "),
    "iOS es-CL": Form("iOS", "es", "%d-%m-%y", around="[{}] "),
    "iOS pt-BR": Form("iOS", "pt", "%d/%m/%Y", around="[{}] "),
    "iOS fr-FR": Form("iOS", "fr", "%d/%m/%Y", around="[{}] ", between=" "),
    "iOS de-DE": Form("iOS", "de", "%d.%m.%y", around="[{}] "),
    "iOS it-IT": Form("iOS", "it", "%d/%m/%y", around="[{}] "),
    "iOS nl-NL": Form("iOS", "en", "%d-%m-%Y", around="[{}] ", between=" "),
    "iOS before 2016": Form("iOS", "en", "%d/%m/%Y", around="{}: "),
}

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "encrypted": "Messages and calls are end-to-end encrypted. Only people in this chat can read them.",
        "group": 'Ana 🌻 created group "Orders: spring"',
        "added": "Ana 🌻 added +34 600 12 34 56",
        "media": "<Media omitted>|image omitted",
        "attached": "{} (file attached)|{} • 2 pages <attached: 00000012-{}>",
        "deleted": "This message was deleted|This message was deleted.",
        "edited": "<This message was edited>",
        "call": "Missed voice call",
    },
    "es": {
        "encrypted": "Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie más puede leerlos.",
        "group": 'Ana 🌻 creó el grupo "Pedidos: primavera"',
        "added": "Ana 🌻 añadió a +34 600 12 34 56",
        "media": "<Multimedia omitido>|imagen omitida",
        "attached": "{} (archivo adjunto)|{} • 2 páginas <adjunto: 00000012-{}>",
        "deleted": "Se eliminó este mensaje.|Eliminaste este mensaje.",
        "edited": "<Se editó este mensaje.>",
        "call": "Llamada perdida",
    },
    "pt": {
        "encrypted": "As mensagens são protegidas com a criptografia de ponta a ponta.",
        "group": 'Ana 🌻 criou o grupo "Pedidos"',
        "added": "Ana 🌻 adicionou +34 600 12 34 56",
        "media": "<Mídia oculta>|imagem ocultada",
        "attached": "{} (arquivo anexado)|{} • 2 páginas <anexado: 00000012-{}>",
        "deleted": "Mensagem apagada|Esta mensagem foi apagada.",
        "edited": "<Mensagem editada>",
        "call": "Chamada de voz perdida",
    },
    "fr": {
        "encrypted": "Les messages et les appels sont chiffrés de bout en bout.",
        "group": "Ana 🌻 a créé le groupe « Commandes »",
        "added": "Ana 🌻 a ajouté +34 600 12 34 56",
        "media": "<Médias omis>|image absente",
        "attached": "{} (fichier joint)|{} • 2 pages <pièce jointe : 00000012-{}>",
        "deleted": "Ce message a été supprimé|Vous avez supprimé ce message",
        "edited": "<Ce message a été modifié>",
        "call": "Appel vocal manqué",
    },
    "de": {
        "encrypted": "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.",
        "group": "Ana 🌻 hat die Gruppe „Bestellungen“ erstellt",
        "added": "Ana 🌻 hat +34 600 12 34 56 hinzugefügt",
        "media": "<Medien ausgeschlossen>|Bild weggelassen",
        "attached": "{} (Datei angehängt)|{} • 2 Seiten <angehängt: 00000012-{}>",
        "deleted": "Diese Nachricht wurde gelöscht.|Du hast diese Nachricht gelöscht.",
        "edited": "<Diese Nachricht wurde bearbeitet.>",
        "call": "Verpasster Sprachanruf",
    },
    "it": {
        "encrypted": "I messaggi e le chiamate sono crittografati end-to-end.",
        "group": "Ana 🌻 ha creato il gruppo “Ordini”",
        "added": "Ana 🌻 ha aggiunto +34 600 12 34 56",
        "media": "<Media omessi>|immagine omessa",
        "attached": "{} (file allegato)|{} • 2 pagine <allegato: 00000012-{}>",
        "deleted": "Questo messaggio è stato eliminato|Hai eliminato questo messaggio.",
        "edited": "<Questo messaggio è stato modificato>",
        "call": "Chiamata vocale persa",
    },
}

# Who, day and time, kind, words. "caption" stands below an attached picture; "edited" is text with a note behind it.
TALK = (
    ("", (2, 9, 0, 1), "encrypted", ""),
    ("", (2, 9, 0, 2), "group", ""),
    ("", (2, 9, 0, 3), "added", ""),
    ("Ana 🌻", (2, 11, 59, 4), "text", "¿Tienen la sartén Lumbre?"),
    ("Taller: Pepe", (2, 12, 0, 5), "text", "Sí: quedan 3, a 64,90 €"),
    ("+34 600 12 34 56", (2, 12, 5, 6), "text", "Two things:\n\n1. delivery\n2: opening hours\n[see below]"),
    ("Taller: Pepe", (2, 12, 30, 7), "media", ""),
    ("Taller: Pepe", (2, 12, 31, 8), "attached", "tarifas.pdf"),
    ("Taller: Pepe", (2, 12, 32, 9), "deleted", ""),
    ("Ana 🌻", (2, 23, 59, 10), "text", "https://example.org/a?b=c: is that it? 12/3 at 9:05 - or later"),
    ("Ana 🌻", (3, 0, 0, 11), "call", ""),
    ("O'Brien, Ana-Lucía (Sol)", (3, 0, 1, 12), "edited", "Delivery: 2 days 👍🏽"),
    ("Taller: Pepe", (25, 10, 10, 13), "text", "<b>Hours</b>: 9-18 h - every day\n12:30 - lunch: closed"),
    ("مريم", (26, 1, 1, 14), "text", "السعر؟"),
)


def written(form: Form) -> tuple[str, list[Said]]:
    """The export, and what must be read from it."""
    lines: list[str] = []
    expected: list[Said] = []
    for who, (day, hour, minute, second), kind, words in TALK:
        seconds = second if form.platform == "iOS" else 0
        at = datetime(2024, 3, day, hour, minute, seconds)  # noqa: DTZ001
        body, said_kind, text = _body(form, kind, words)
        speaker = who or ("Orders" if form.platform == "iOS" and kind == "encrypted" else "")
        mark = "\u200e" if form.platform == "iOS" and said_kind != "text" else ""
        name = f"\u202a{speaker}\u202c" if speaker.startswith("+") else speaker
        head = form.around.format(f"{_date(at, form.date)}{form.between}{_time(at, form)}")
        expected.append(Said(sum(line.count("\n") + 1 for line in lines) + 1, at, speaker, text, said_kind))
        lines.append(f"{mark if '[' in head else ''}{head}{f'{name}: ' if speaker else ''}{mark}{body}")
    return form.end.join("\n".join(lines).split("\n")) + form.end, expected


def _body(form: Form, kind: str, words: str) -> tuple[str, Kind, str]:
    """What stands behind the name, what kind of message that is, and its text as it is to be read."""
    own = WORDS[form.language]
    choose: Callable[[str], str] = lambda both: both.split("|")[form.platform == "iOS" and "|" in both]  # noqa: E731
    match kind:
        case "text":
            return words, "text", words
        case "edited":
            return f"{words} \u200e{own['edited']}", "text", words
        case "media" | "deleted":
            line = choose(own[kind])
            return line, kind, line
        case "attached":
            line = choose(own[kind]).format(words, words)
            return line.replace("<", "\u200e<"), "media", line
        case _:
            return own[kind], "service", own[kind]


def _date(at: datetime, form: str) -> str:
    """strftime with "%-d" on every system."""
    bare = {"%-d": str(at.day), "%-m": str(at.month)}
    for code, value in bare.items():
        form = form.replace(code, value)
    return at.strftime(form)


def _time(at: datetime, form: Form) -> str:
    seconds = f":{at:%S}" if form.platform == "iOS" else ""
    if form.clock.startswith("24"):
        return f"{at:%H:%M}".replace(":", form.clock[2:] or ":") + seconds
    half = form.clock.replace("p", "a").replace("P", "A") if at.hour < 12 else form.clock
    space = "" if form.clock[0] in "\u202f\u00a0 " else " "
    return f"{at.hour % 12 or 12}:{at:%M}{seconds}{space}{half}"
