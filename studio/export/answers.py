"""What the Hub says when it does not do what was asked, turned into our errors: once, here, each with its own code.

No foreign text with a token in it passes: a reason of the Hub is shortened and cleaned before it is told.
"""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio.base.errors import BadName, NotPossibleHere, Refused, StudioError, Unavailable
from studio.export.private import TOKEN

if TYPE_CHECKING:
    import httpx

_QUOTA = ("storage limit", "quota", "exceeded", "upgrade your plan")
_BUSY_SECONDS = 60


@contextmanager
def translated(endpoint: str, name: str) -> Iterator[None]:
    """Inside, errors of the Hub and of the way to it become ours. `name` is the repository they are about."""
    try:
        yield
    except StudioError:
        raise
    except _expected() as error:
        raise _ours(error, endpoint, name) from error


def _expected() -> tuple[type[Exception], ...]:
    """What the client raises when the Hub, or the way to it, is not as it should be."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError, httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError, ValueError, KeyError, TypeError


def _ours(error: BaseException, endpoint: str, name: str) -> StudioError:
    import httpx
    from huggingface_hub import errors

    reason = type(error).__name__
    match error:
        case errors.HfHubHTTPError():
            return _said(error.response, endpoint, name)
        case RuntimeError() if error.__cause__ is not None:  # the client's wrapping of what happened to one file
            return _ours(error.__cause__, endpoint, name)
        case errors.HFValidationError():
            return BadName("repository_name", name=name, suggestion="assistant")
        case json.JSONDecodeError() | KeyError() | TypeError():  # a web page where an answer should be
            return Unavailable("push_not_a_hub", address=endpoint)
        case httpx.LocalProtocolError() | UnicodeError():  # a token that cannot even be sent
            return BadName("push_token_wrong")
        case OSError() if error.errno == errno.ENOSPC:
            return NotPossibleHere("disk_full", needed_gb=1.0, free_gb=0.0)
        case ValueError():  # the card was not accepted
            return Refused("push_rejected", name=name, reason=_clean(str(error)))
        case _:  # no connection, a cut one, a deadline; hf_xet knows only RuntimeError
            return Unavailable("push_unreachable", address=endpoint, reason=reason)


def _said(response: "httpx.Response", endpoint: str, name: str) -> StudioError:
    reason = _clean(response.headers.get("X-Error-Message", ""))
    match response.status_code:
        case 401:
            return BadName("push_token_wrong")
        case 402:
            return Refused("push_payment", name=name)
        case 403 if any(word in reason.lower() for word in _QUOTA):
            return Refused("push_quota", name=name)
        case 403:
            return Refused("push_no_rights", name=name.partition("/")[0], user="")
        case 404:
            return Unavailable("push_not_a_hub", address=endpoint)
        case 409:
            return Refused("repository_exists", name=name, suggestion=f"{name}-2")
        case 412:
            return Refused("repository_changed", name=name)
        case 413:
            return Refused("push_quota", name=name)
        case 429:
            return Unavailable("push_busy", address=endpoint, seconds=_wait(response))
        case status if status >= 500:
            return Unavailable("push_trouble", address=endpoint, status=status)
        case _:
            return Refused("push_rejected", name=name, reason=reason)


def _wait(response: "httpx.Response") -> int:
    given = response.headers.get("Retry-After", "")
    return int(given) if given.isdigit() else _BUSY_SECONDS


def _clean(text: str) -> str:
    return TOKEN.sub("(…)", " ".join(text.split()))[:200]
