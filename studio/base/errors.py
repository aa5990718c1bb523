"""The error tree. Every error carries a code and parameters and no sentence; `web` and `cli` word it.

StudioError                  code, parameters -> `error.<code>` in the locales
├── BadInput                 what the person gave cannot be used; they can mend it
│   ├── Unreadable           a file: empty, encrypted, damaged, not what its name says
│   ├── BadName              a name, an address, a token
│   └── NotEnough            too few examples, no documents, no questions
├── NotFound                 a project, a variant, a run, a model that is not there
├── NotPossibleHere          this machine cannot: memory, disk, missing library, model not downloaded
│   └── OutOfMemory
├── Refused                  a rule of the house says no (public bind, unsafe path, newer format)
├── Unavailable              something outside did not answer: hub, engine, network
└── Stopped                  the person pressed stop; not a failure
"""

from studio.base.records import Fault, Parameter


class StudioError(Exception):
    """Base of all errors with a sentence. `code` is a key of the locales under `error.`."""

    def __init__(self, code: str, **parameters: Parameter) -> None:
        super().__init__(f"{code} {parameters}" if parameters else code)
        self.code = code
        self.parameters = parameters

    @property
    def fault(self) -> Fault:
        return Fault(code=self.code, parameters=self.parameters)


class BadInput(StudioError): ...


class Unreadable(BadInput): ...


class BadName(BadInput): ...


class NotEnough(BadInput): ...


class NotFound(StudioError): ...


class NotPossibleHere(StudioError): ...


class OutOfMemory(NotPossibleHere): ...


class Refused(StudioError): ...


class Unavailable(StudioError): ...


class Stopped(StudioError):
    def __init__(self) -> None:
        super().__init__("stopped")
