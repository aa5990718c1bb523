"""What engines say: pieces of an answer, what it cost, scores of a fixed answer, and which embedder made the vectors."""

from studio.base.records import Record


class Text(Record):
    """The next piece of an answer, as it is spoken. The first one says which files spoke (see `engines.identity`)."""

    text: str
    spoken_by: str = ""


class Usage(Record):
    """What an answer took; said last. `seconds` from the request to the end, the model's start not included."""

    prompt_tokens: int
    tokens: int
    seconds: float
    first_token_seconds: float


class Scores(Record):
    """Log-probabilities (nats) of a fixed answer: `logprobs[conversation or mask][answer token]`.

    `forwarded` counts the tokens that ran through the model to find them.
    """

    tokens: tuple[str, ...]
    logprobs: tuple[tuple[float, ...], ...]
    forwarded: int = 0


class Embedder(Record):
    """Whose vectors these are. An index keeps this beside it; vectors of two embedders are never compared.

    `weight` is what they count in a search's mix with the words.
    """

    name: str
    dim: int
    weight: float = 0.6
