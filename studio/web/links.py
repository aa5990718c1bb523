"""The links by which colleagues come to vote: where they lead, and what makes them ours. Light enough for a command."""

import socket

from studio import comparison
from studio.base.project import Project
from studio.base.records import Invitation
from studio.base.settings import Settings
from studio.web.security import signing_key

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - nothing is bound here


def link(settings: Settings, project: Project, invitation: Invitation) -> str:
    """The address that opens the voting page for one invited person."""
    signed = comparison.signature(project.id, invitation.id, signing_key(settings))
    return f"{address(settings)}/vote/{project.id}/{invitation.id}/{signed}"


def address(settings: Settings) -> str:
    """Where invitations lead: to this machine alone, or to the address at which colleagues of the network reach it."""
    host, port = settings.host, settings.port
    if settings.vote_host:
        host, port = settings.vote_host, settings.vote_port
        if host in EVERYWHERE:
            host = _seen(host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _seen(host: str) -> str:
    """The address under which the network knows this machine. No packet is sent: the route is only looked up."""
    family, away = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((away, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
