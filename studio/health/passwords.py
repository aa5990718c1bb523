"""Secrets in a text: access tokens by their form, passwords by the words that announce them."""

import re
from collections.abc import Iterator

from studio.health.spots import Found

SECRET = re.compile(
    r"(?<![\w-])(?:hf_[A-Za-z0-9]{20,}|sk-(?=[\w-]*\d)[A-Za-z0-9_-]{20,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|glpat-[\w-]{20,}|A[KS]IA[A-Z0-9]{16}|xox[abprs]-[\w-]{10,}|AIza[\w-]{35}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|npm_[A-Za-z0-9]{36}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{10,8000}?-----END [A-Z ]*PRIVATE KEY-----"
)
SECRET_SIGNS = "hf_ sk rk_ pk_ gh glpat KIA SIA xox AIza SG. npm_ eyJ KEY-----".split()  # noqa: SIM905
PASSWORD = re.compile(
    r"(?i:\b(?P<word>contraseña|password|passwd|passphrase|pwd|clave(?: de acceso| wifi| del wifi)?|pin|api[ _-]?key)\b)"
    r"(?i:\s*(?P<sign>[:=]|\b(?:es|is)\b:?))\s*[\"'«“]?(?P<value>[^\s\"'»”,;]{4,80})"
)
PASSWORD_SIGNS = ("contrase", "pass", "pwd", "clave", "pin", "key")
NO_PASSWORD = re.compile(
    r"(?i:^(?:[*•.xX_-]+|[\[`{<($].*|.*[()`].*|required"
    r"|necesari[oa]|obligatori[oa]|opcional|optional|forgotten|incorrect[oa]?|olvidada|must|debe|m[ií]nimo"
    r"|at|al|the|la|el|una?|your|su|tu|wrong|case|secret[oa]?|personal|https?:.*)\W*$)"
)


def secrets(text: str) -> Iterator[Found]:
    if any(sign in text for sign in SECRET_SIGNS):
        for each in SECRET.finditer(text):
            yield Found("secret", each[0], each.start(), each.end())
    lowered = text.lower()
    if any(sign in lowered for sign in PASSWORD_SIGNS):
        for each in PASSWORD.finditer(text):
            value = each["value"].rstrip(".,;:)!?")
            if len(value) >= 4 and _is_password(each["word"].lower(), each["sign"], value, text[each.end("value") :]):
                yield Found("secret", value, each.start("value"), each.start("value") + len(value))


def _is_password(word: str, sign: str, value: str, rest: str) -> bool:
    if NO_PASSWORD.match(value):
        return False
    if any(letter.isdigit() for letter in value):
        return word != "pin" or value.isdigit()
    symbols = any(not letter.isalnum() for letter in value)
    alone = not rest.split("\n")[0].strip(" .,;:)\"'»”")
    return word not in ("pin", "clave") and sign in ":=" and (symbols or alone)
