"""Who else may vote: a link for each person, which opens one round's voting page and nothing else.

The link is signed with the studio's own key and kept nowhere: a copy of the project folder opens nothing.
"""

import hashlib
import hmac

from studio.base import files
from studio.base.errors import NotFound, Refused
from studio.base.project import Project
from studio.base.records import Invitation, Round, now

MOST = 200  # invitations of one round


def invite(project: Project, round: Round, name: str = "") -> Invitation:
    """A link for one more person; the name is for the record and may be left out. Raises Refused("round_closed",
    "round_crowded").
    """
    if round.closed:
        raise Refused("round_closed")
    if len(invited(project, round)) >= MOST:
        raise Refused("round_crowded", limit=MOST)
    made = Invitation(round=round.id, name=files.clean_title(name)[:60] if name.strip() else "")
    project.store.put(made)
    project.store.remember("voter_invited", name=made.name)
    return made


def invited(project: Project, round: Round) -> list[Invitation]:
    return [each for each in project.store.all(Invitation) if each.round == round.id]


def revoke(project: Project, id: str) -> Invitation:
    """The link opens nothing any more; votes that were given stay. Raises NotFound("invitation_missing")."""
    found = project.store.get(Invitation, id)
    if found is None:
        raise NotFound("invitation_missing", name=id)
    revoked = found.model_copy(update={"revoked": found.revoked or now()})
    project.store.put(revoked)
    return revoked


def signature(project_id: str, invitation_id: str, key: bytes) -> str:
    """What makes a link one of ours."""
    return hmac.new(key, f"vote/{project_id}/{invitation_id}".encode(), hashlib.sha256).hexdigest()[:32]


def admitted(project: Project, id: str, signed: str, key: bytes) -> tuple[Invitation, Round]:
    """The invitation of a link and its round. Raises NotFound("invitation_missing") for one that was made up, is of
    another project or was revoked; the round may be closed.
    """
    genuine = hmac.compare_digest(signature(project.id, id, key).encode(), signed.encode())
    found = project.store.get(Invitation, id) if genuine else None
    round = project.store.get(Round, found.round) if found is not None else None
    if found is None or round is None or found.revoked:
        raise NotFound("invitation_missing", name=id[:20])
    return found, round
