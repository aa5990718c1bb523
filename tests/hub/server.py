"""A Hugging Face Hub on loopback that speaks the wire protocol of the real one: the unmodified client runs against it.

Accounts with roles, repositories (of data sets too), card validation, preupload, commits, git-LFS (basic and multipart),
Xet (a real content store: xorbs, shards, reconstructions), downloads with ranges, trees, private repositories. And what
a mock cannot give: quotas, an access log, and faults on demand: a status, a delay, a web page, a connection cut after
so many bytes.

    with serve(folder) as hub: hub.address, hub.faults.append(Fault("PUT /_lfs", cut_after=1000)), hub.lines()
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import secrets
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

LARGE = {".safetensors", ".gguf", ".bin", ".zip", ".model", ".parquet"}
ATTRIBUTES = "".join(f"*{each} filter=lfs diff=lfs merge=lfs -text\n" for each in sorted(LARGE)).encode()
LICENCES = {"apache-2.0", "mit", "gemma", "llama3.2", "other", "unknown", "cc-by-4.0", "cc-by-nc-4.0"}
NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$")
WRITE, READ, OTHER, FINE = "hf_" + "w" * 30, "hf_" + "r" * 30, "hf_" + "o" * 30, "hf_" + "f" * 30
TOKENS = {
    WRITE: {"name": "alice", "role": "write", "orgs": ["acme"]},
    READ: {"name": "alice", "role": "read", "orgs": ["acme"]},
    OTHER: {"name": "bob", "role": "write"},
    FINE: {
        "name": "alice",
        "role": "fineGrained",
        "scopes": [{"entity": {"name": "alice"}, "permissions": ["repo.content.read"]}],
    },
}
MULTIPART_ABOVE, PART = 2 << 20, 1 << 20

Handler = Callable[..., Awaitable[Any]]
ROUTES: list[tuple[frozenset[str], re.Pattern[str], Handler]] = []


class Refusal(Exception):
    """An answer that is not 200, as the Hub says it: status, code header, message header."""

    def __init__(
        self, status: int, code: str | None = None, message: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass
class Fault:
    """Done to the next `times` requests whose "METHOD /path" matches, after `skip` of them."""

    match: str
    times: int = 1
    skip: int = 0
    status: int = 0
    message: str = "injected"
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of the request
    cut_answer: bool = False  # the work is done, the answer is lost
    delay: float = 0.0
    page: bool = False  # a web page instead of an answer


@dataclass
class Call:
    line: str
    authorization: str = ""
    received: int = 0
    status: int = 0


class Hub:
    """What the server knows. Content lies on disk, repositories in memory and, after every change, in one JSON file."""

    def __init__(self, folder: Path, *, xet: bool = True) -> None:
        self.folder, self.xet = folder, xet
        self.quota: int | None = None  # bytes an owner may keep in private repositories
        self.address = ""
        self.tokens: dict[str, dict[str, Any]] = dict(TOKENS)
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.telemetry: list[Any] = []
        self.lock = threading.RLock()
        for name in ("lfs", "git", "xorb", "part"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        state = json.loads((folder / "state.json").read_text()) if (folder / "state.json").exists() else {}
        self.repos: dict[str, dict[str, Any]] = state.get("repos", {})
        self.xet_files: dict[str, list[Any]] = state.get("xet_files", {})
        self.xet_of: dict[str, str] = state.get("xet_of", {})

    def lines(self) -> list[str]:
        return [call.line for call in self.calls]

    def forget(self) -> None:
        """Begin anew: no repositories, no faults, nothing noted. Xorbs stay: Xet's client remembers what it once sent."""
        for noted in (self.repos, self.xet_files, self.xet_of, self.faults, self.calls, self.telemetry):
            noted.clear()
        self.quota = None
        for path in self.folder.rglob("*"):
            if path.is_file() and path.parent.name != "xorb":
                path.unlink()

    def save(self) -> None:
        part = self.folder / "state.json.part"
        part.write_text(json.dumps({"repos": self.repos, "xet_files": self.xet_files, "xet_of": self.xet_of}))
        part.replace(self.folder / "state.json")

    # ---- who

    def user(self, request: Request, *, needed: bool = False, writes_to: str | None = None) -> dict[str, Any] | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        user = self.tokens.get(given) if given else None
        if given and user is None:
            raise Refusal(401, None, "Invalid credentials in Authorization header")
        if needed and user is None:
            raise Refusal(401, None, "Invalid username or password.")
        if writes_to is not None and user is not None:
            if user["role"] != "write":
                raise Refusal(403, None, "You have read access but not the required permissions for this operation")
            if writes_to != user["name"] and writes_to not in user.get("orgs", []):
                raise Refusal(
                    403, None, f'You don\'t have the rights to create a model under the namespace "{writes_to}"'
                )
        return user

    def repo(self, request: Request, id: str, *, write: bool = False) -> dict[str, Any]:
        """A repository this caller may see; a private one is not there for others."""
        user = self.user(request)
        repo = self.repos.get(id)
        if repo is None or (
            repo["private"] and (not user or repo["owner"] not in (user["name"], *user.get("orgs", [])))
        ):
            raise Refusal(404 if user else 401, "RepoNotFound", "Repository not found")
        if write:
            self.user(request, needed=True, writes_to=repo["owner"])
        return repo

    # ---- content

    def make(self, id: str, owner: str, private: bool) -> dict[str, Any]:
        repo = {"id": id, "owner": owner, "private": private, "commits": {}, "head": "", "created": now()}
        repo["head"] = self.commit(repo, None, {".gitattributes": self.put_small(ATTRIBUTES)}, "initial commit")
        self.repos[id] = repo
        return repo

    def commit(self, repo: dict[str, Any], parent: str | None, tree: dict[str, Any], title: str) -> str:
        oid = hashlib.sha1(json.dumps([parent, sorted(tree.items()), title, time.time_ns()]).encode()).hexdigest()
        repo["commits"][oid] = {"parent": parent, "tree": tree, "title": title, "date": now()}
        return oid

    def put_small(self, content: bytes) -> dict[str, Any]:
        oid = git_sha1(content)
        (self.folder / "git" / oid).write_bytes(content)
        return {"oid": oid, "size": len(content)}

    def has_large(self, sha: str) -> bool:
        return (self.folder / "lfs" / sha).exists() or sha in self.xet_of

    def large_size(self, sha: str) -> int:
        path = self.folder / "lfs" / sha
        return path.stat().st_size if path.exists() else sum(term[1] for term in self.xet_files[self.xet_of[sha]])

    def tree(self, repo: dict[str, Any], revision: str) -> tuple[str, dict[str, Any]]:
        oid = repo["head"] if revision in ("main", "refs/heads/main") else revision
        if oid not in repo["commits"]:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid, repo["commits"][oid]["tree"]

    def entry(self, path: str, file: dict[str, Any]) -> dict[str, Any]:
        entry = {"type": "file", "oid": file["oid"], "size": file["size"], "path": path}
        if "sha256" in file:
            size = len(pointer(file["sha256"], file["size"]))
            entry["lfs"] = {"oid": file["sha256"], "size": file["size"], "pointerSize": size}
            if file["sha256"] in self.xet_of:
                entry["xetHash"] = self.xet_of[file["sha256"]]
        return entry

    def used(self, owner: str) -> int:
        mine = (repo for repo in self.repos.values() if repo["owner"] == owner)
        found = {
            f.get("sha256", f["oid"]): f["size"]
            for r in mine
            for c in r["commits"].values()
            for f in c["tree"].values()
        }
        return sum(found.values())

    # ---- Xet: files are terms, terms are stretches of chunks in xorbs

    def add_shard(self, shard: bytes) -> None:
        """Read the file part of a shard: which terms make up which file, and its sha256."""
        at = 48
        while shard[at : at + 32] != b"\xff" * 32:
            file, flags, count = shard[at : at + 32], *struct.unpack_from("<II", shard, at + 32)
            at += 48
            terms = []
            for _ in range(count):
                _, length, start, end = struct.unpack_from("<IIII", shard, at + 32)
                terms.append([xet_hex(shard[at : at + 32]), length, start, end])
                at += 48
            if any(not (self.folder / "xorb" / term[0]).exists() for term in terms):
                raise Refusal(400, None, "shard refers to an unknown xorb")
            at += 48 * count if flags & 0x80000000 else 0
            self.xet_files[xet_hex(file)] = terms
            if flags & 0x40000000:
                self.xet_of[xet_hex(shard[at : at + 32])] = xet_hex(file)
                at += 48
        self.save()

    def chunks(self, xorb: str) -> tuple[list[tuple[int, int]], int]:
        """Where each chunk of a xorb begins and how long it is unpacked; and where they end."""
        found, at = [], 0
        with (self.folder / "xorb" / xorb).open("rb") as file:
            while True:
                file.seek(at)
                header = file.read(8)
                if len(header) < 8 or header[:7] == b"XETBLOB":
                    return found, at
                found.append((at, int.from_bytes(header[5:8], "little")))
                at += 8 + int.from_bytes(header[1:4], "little")

    def reconstruction(self, file: str, wanted: tuple[int, int] | None) -> dict[str, Any]:
        terms = self.xet_files.get(file)
        if terms is None:
            raise Refusal(404, None, "file not found")
        total = sum(term[1] for term in terms)
        first, last = wanted or (0, total - 1)
        if first >= total:
            raise Refusal(416)
        last = min(last, total - 1)
        said: list[Any] = []
        fetch: dict[str, list[Any]] = {}
        position, skip = 0, None
        for xorb, _, start, end in terms:
            chunks, stop_of_all = self.chunks(xorb)
            kept = []
            for number in range(start, end):
                length = chunks[number][1]
                if position + length > first and position <= last:
                    skip = first - position if skip is None else skip
                    kept.append(number)
                position += length
            if kept:
                low, high = kept[0], kept[-1] + 1
                stop = chunks[high][0] if high < len(chunks) else stop_of_all
                span = {"start": low, "end": high}
                said.append({"hash": xorb, "unpacked_length": sum(chunks[n][1] for n in kept), "range": span})
                place = {"start": chunks[low][0], "end": stop - 1}
                fetch.setdefault(xorb, []).append(
                    {"range": span, "url": f"{self.address}/_cas/data/{xorb}", "url_range": place}
                )
        return {"offset_into_first_range": skip or 0, "terms": said, "fetch_info": fetch}


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer(sha: str, size: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {size}\n".encode()


def xet_hex(raw: bytes) -> str:
    """Xet writes its hashes as four little-endian numbers."""
    return "".join(f"{part:016x}" for part in struct.unpack("<4Q", raw))


def route(methods: str, pattern: str) -> Callable[[Handler], Handler]:
    compiled = re.compile("^" + pattern.replace("{R}", r"(?P<id>[^/]+/[^/]+)") + "$")

    def keep(handler: Handler) -> Handler:
        ROUTES.append((frozenset(methods.split()), compiled, handler))
        return handler

    return keep


# ---- account and repositories ------------------------------------------------------------------------------------------


@route("GET", "/api/whoami-v2")
async def whoami(hub: Hub, request: Request) -> Any:
    user = hub.user(request, needed=True)
    assert user is not None
    token = {"displayName": "test", "role": user["role"], "createdAt": now()}
    if "scopes" in user:
        token["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": user["scopes"]}
    orgs = [
        {"type": "org", "id": org, "name": org, "fullname": org, "roleInOrg": "write"} for org in user.get("orgs", [])
    ]
    who = {"type": "user", "id": "u", "name": user["name"], "fullname": user["name"], "isPro": False, "canPay": False}
    return {**who, "orgs": orgs, "auth": {"type": "access_token", "accessToken": token}}


@route("POST", "/api/repos/create")
async def create(hub: Hub, request: Request) -> Any:
    asked = await request.json()
    user = hub.user(request, needed=True)
    assert user is not None
    owner = asked.get("organization") or user["name"]
    hub.user(request, needed=True, writes_to=owner)
    name = asked["name"]
    if not NAME.match(name) or "--" in name or ".." in name or name.endswith(".git"):
        raise Refusal(400, None, "Invalid repo name: " + name)
    id = f"{owner}/{name}"
    if id in hub.repos:
        raise Refusal(409, None, "You already created this model repo")
    hub.make(id, owner, asked.get("visibility") == "private" or bool(asked.get("private")))
    hub.save()
    return {"url": f"{hub.address}/{id}", "name": id, "id": id}


@route("DELETE", "/api/repos/delete")
async def delete(hub: Hub, request: Request) -> Any:
    asked = await request.json()
    user = hub.user(request, needed=True)
    assert user is not None
    id = f"{asked.get('organization') or user['name']}/{asked['name']}"
    hub.repo(request, id, write=True)
    del hub.repos[id]
    hub.save()
    return {}


@route("PUT", "/api/models/{R}/settings")
async def settings(hub: Hub, request: Request, id: str) -> Any:
    asked, repo = await request.json(), hub.repo(request, id, write=True)
    repo["private"] = (
        asked.get("visibility", "private" if asked.get("private", repo["private"]) else "public") == "private"
    )
    hub.save()
    return {"private": repo["private"]}


@route("POST", "/api/validate-yaml")
async def validate_yaml(hub: Hub, request: Request) -> Any:
    wrong = card_errors((await request.json())["content"])[1]
    return JSONResponse({"errors": wrong, "warnings": []}, 400 if wrong else 200)


def card_errors(text: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The metadata of a card and what the Hub would say against it."""
    import yaml

    found = re.match(r"^---\r?\n(.*?)\r?\n---(\r?\n|$)", text, re.DOTALL)
    if not found:
        return {}, []
    try:
        card = yaml.safe_load(found[1]) or {}
    except yaml.YAMLError as error:
        return {}, [{"message": f"YAML parse error: {error}"}]
    wrong = []
    if card.get("license") not in LICENCES | {None}:
        wrong.append({"message": f'"license" must be one of [{", ".join(sorted(LICENCES))}]'})
    if card.get("license") == "other" and not re.fullmatch(r"[a-z0-9.-]+", card.get("license_name", "")):
        wrong.append({"message": '"license_name" must be a valid identifier'})
    for key in ("base_model", "datasets", "language"):
        values = card.get(key, [])
        if not all(isinstance(value, str) for value in (values if isinstance(values, list) else [values])):
            wrong.append({"message": f'"{key}" must be a string or a list of strings'})
    return card, wrong


# ---- writing -----------------------------------------------------------------------------------------------------------


@route("POST", "/api/models/{R}/preupload/(?P<revision>.+)")
async def preupload(hub: Hub, request: Request, id: str, revision: str) -> Any:
    repo = hub.repo(request, id, write=True)
    asked = await request.json()
    oid, tree = hub.tree(repo, revision)
    ignored = [line.strip() for line in asked.get("gitIgnore", "").splitlines() if line.strip()]
    need = sum(each["size"] for each in asked["files"])
    if hub.quota is not None and repo["private"] and hub.used(repo["owner"]) + need > hub.quota:
        raise Refusal(403, None, "Private repository storage limit reached, please upgrade your plan")
    said = []
    for each in asked["files"]:
        binary = b"\0" in base64.b64decode(each.get("sample", ""))
        large = Path(each["path"]).suffix in LARGE or each["size"] > 10 << 20 or binary
        there = tree.get(each["path"])
        said.append(
            {
                "path": each["path"],
                "uploadMode": "lfs" if large else "regular",
                "oid": there and there.get("sha256", there["oid"]),
                "shouldIgnore": any(fnmatch(each["path"], pattern) for pattern in ignored),
            }
        )
    return {"files": said, "commitOid": oid}


@route("POST", "/api/models/{R}/commit/(?P<revision>.+)")
async def commit(hub: Hub, request: Request, id: str, revision: str) -> Any:
    repo = hub.repo(request, id, write=True)
    operations = [json.loads(line) for line in (await request.body()).decode().splitlines() if line]
    with hub.lock:
        parent, before = hub.tree(repo, revision)
        header = operations[0]["value"]
        if header.get("parentCommit") and not parent.startswith(header["parentCommit"]):
            raise Refusal(412, None, "A commit has happened since. Please refresh and try again.")
        tree = dict(before)
        for operation in operations[1:]:
            _apply(hub, tree, operation["key"], operation["value"])
        repo["head"] = hub.commit(repo, parent, tree, header["summary"])
        hub.save()
    return {
        "success": True,
        "commitOid": repo["head"],
        "commitUrl": f"{hub.address}/{id}/commit/{repo['head']}",
        "hookOutput": "",
    }


def _apply(hub: Hub, tree: dict[str, Any], key: str, value: dict[str, Any]) -> None:
    path = value["path"]
    if path.startswith("/") or {"..", ".git", ""} & set(path.split("/")):
        raise Refusal(400, None, "Invalid path " + path)
    match key:
        case "file":
            content = base64.b64decode(value["content"])
            if path == "README.md" and (wrong := card_errors(content.decode())[1]):
                raise Refusal(400, None, "Invalid metadata in README.md. " + wrong[0]["message"])
            tree[path] = hub.put_small(content)
        case "lfsFile":
            if not hub.has_large(value["oid"]):
                raise Refusal(400, None, f"LFS pointer pointed to a file that does not exist: {path}")
            size = value.get("size") or hub.large_size(value["oid"])
            tree[path] = {"oid": git_sha1(pointer(value["oid"], size)), "size": size, "sha256": value["oid"]}
        case "deletedFile":
            if tree.pop(path, None) is None:
                raise Refusal(404, "EntryNotFound", path + " does not exist")
        case _:
            raise Refusal(400, None, "unknown operation " + key)


@route("POST", "/{R}.git/info/lfs/objects/batch")
async def lfs_batch(hub: Hub, request: Request, id: str) -> Any:
    hub.repo(request, id, write=True)
    asked = await request.json()
    objects, transfer = [], "basic"
    for each in asked["objects"]:
        said: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
        if not hub.has_large(each["oid"]):
            upload: dict[str, Any] = {"href": f"{hub.address}/_lfs/{each['oid']}"}
            if each["size"] > MULTIPART_ABOVE and "multipart" in asked.get("transfers", []):
                transfer, count = "multipart", -(-each["size"] // PART)
                parts = {f"{n:05d}": f"{hub.address}/_part/{each['oid']}/{n}" for n in range(1, count + 1)}
                upload = {"href": f"{hub.address}/api/complete_multipart", "header": {"chunk_size": str(PART), **parts}}
            said["actions"] = {"upload": upload, "verify": {"href": f"{hub.address}/api/verify"}}
        objects.append(said)
    return JSONResponse({"transfer": transfer, "objects": objects}, media_type="application/vnd.git-lfs+json")


async def keep(request: Request, path: Path, sha: str | None = None) -> str:
    """Stream into a file of its own, check the hash, rename: a cut upload never leaves half an object."""
    part, digest = path.with_name(f"{path.name}.{secrets.token_hex(4)}"), hashlib.sha256()
    try:
        with part.open("wb") as file:
            async for block in request.stream():
                digest.update(block)
                file.write(block)
        if sha and digest.hexdigest() != sha:
            raise Refusal(400, None, "content does not match oid")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()


@route("PUT", "/_lfs/(?P<oid>[0-9a-f]{64})")
async def lfs_put(hub: Hub, request: Request, oid: str) -> Any:
    return Response(headers={"ETag": await keep(request, hub.folder / "lfs" / oid, oid)})


@route("PUT", r"/_part/(?P<oid>[0-9a-f]{64})/(?P<number>\d+)")
async def part_put(hub: Hub, request: Request, oid: str, number: str) -> Any:
    return Response(headers={"ETag": f'"{await keep(request, hub.folder / "part" / f"{oid}.{number}")}"'})


@route("POST", "/api/complete_multipart")
async def complete(hub: Hub, request: Request) -> Any:
    asked = await request.json()
    paths = [hub.folder / "part" / f"{asked['oid']}.{part['partNumber']}" for part in asked["parts"]]
    content = b"".join(path.read_bytes() for path in paths)
    if hashlib.sha256(content).hexdigest() != asked["oid"]:
        raise Refusal(400, None, "multipart content does not match oid")
    (hub.folder / "lfs" / asked["oid"]).write_bytes(content)
    return {"success": True}


@route("POST", "/api/verify")
async def verify(hub: Hub, request: Request) -> Any:
    asked = await request.json()
    if not hub.has_large(asked["oid"]) or hub.large_size(asked["oid"]) != asked["size"]:
        raise Refusal(404, None, "object missing")
    return {}


# ---- Xet ---------------------------------------------------------------------------------------------------------------


@route("GET", "/api/models/{R}/xet-(?P<mode>read|write)-token/(?P<revision>.+)")
async def xet_token(hub: Hub, request: Request, id: str, mode: str, revision: str) -> Any:
    hub.repo(request, id, write=mode == "write")
    expires, token, store = int(time.time()) + 3600, f"xet-{secrets.token_hex(8)}", f"{hub.address}/_cas"
    headers = {"X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expires), "X-Xet-Cas-Url": store}
    return JSONResponse({"accessToken": token, "exp": expires, "casUrl": store}, headers=headers)


@route("POST", "/_cas/v1/xorbs/default/(?P<xorb>[0-9a-f]{64})")
async def xorb_put(hub: Hub, request: Request, xorb: str) -> Any:
    new = not (hub.folder / "xorb" / xorb).exists()
    await keep(request, hub.folder / "xorb" / xorb)
    return {"was_inserted": new}


@route("POST", "/_cas/v1/shards")
async def shard_put(hub: Hub, request: Request) -> Any:
    hub.add_shard(await request.body())
    return {"result": 1}


@route("GET", "/_cas/v1/reconstructions/(?P<file>[0-9a-f]{64})")
async def reconstruct(hub: Hub, request: Request, file: str) -> Any:
    asked = re.match(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    return hub.reconstruction(file, (int(asked[1]), int(asked[2] or 1 << 60)) if asked else None)


@route("GET", "/_cas/data/(?P<xorb>[0-9a-f]{64})")
async def xorb_get(hub: Hub, request: Request, xorb: str) -> Any:
    return ranged(request, hub.folder / "xorb" / xorb)


@route("POST", "/v1/telemetry")
async def telemetry(hub: Hub, request: Request) -> Any:
    hub.telemetry.append(await request.json())
    return {}


# ---- reading -----------------------------------------------------------------------------------------------------------


def ranged(request: Request, path: Path, headers: dict[str, str] | None = None) -> Response:
    size = path.stat().st_size
    asked = re.match(r"bytes=(\d*)-(\d*)$", request.headers.get("range", ""))
    first, last, status, said = 0, size - 1, 200, dict(headers or {})
    if asked and (asked[1] or asked[2]):
        first, last = (
            (int(asked[1]), min(int(asked[2] or size - 1), size - 1))
            if asked[1]
            else (max(0, size - int(asked[2])), size - 1)
        )
        if first >= size:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        status, said["Content-Range"] = 206, f"bytes {first}-{last}/{size}"
    said |= {"Content-Length": str(last - first + 1), "Accept-Ranges": "bytes"}
    if request.method == "HEAD":
        return Response(status_code=status, headers=said)

    def blocks() -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(first)
            left = last - first + 1
            while left > 0 and (block := file.read(min(1 << 20, left))):
                left -= len(block)
                yield block

    return StreamingResponse(blocks(), status, said, media_type="application/octet-stream")


@route("GET HEAD", "/{R}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
async def resolve(hub: Hub, request: Request, id: str, revision: str, path: str) -> Any:
    oid, tree = hub.tree(hub.repo(request, id), revision)
    if path not in tree:
        raise Refusal(404, "EntryNotFound", "Entry not found")
    file = tree[path]
    said = {"X-Repo-Commit": oid}
    if "sha256" not in file:
        return ranged(request, hub.folder / "git" / file["oid"], {**said, "ETag": f'"{file["oid"]}"'})
    sha = file["sha256"]
    elsewhere = hub.address.replace("127.0.0.1", "localhost")  # another host, as the real storage is
    said |= {
        "X-Linked-Etag": f'"{sha}"',
        "X-Linked-Size": str(file["size"]),
        "ETag": f'"{sha}"',
        "Location": f"{elsewhere}/_cdn/{sha}",
    }
    if hub.xet and sha in hub.xet_of:
        said |= {
            "X-Xet-Hash": hub.xet_of[sha],
            "Link": f'<{hub.address}/api/models/{id}/xet-read-token/{oid}>; rel="xet-auth"',
        }
    return Response(status_code=302, headers=said)


@route("GET HEAD", "/_cdn/(?P<sha>[0-9a-f]{64})")
async def cdn(hub: Hub, request: Request, sha: str) -> Any:
    return ranged(request, hub.folder / "lfs" / sha, {"ETag": f'"{sha}"'})


@route("GET", "/api/models/{R}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?")
async def tree(hub: Hub, request: Request, id: str, revision: str, path: str | None) -> Any:
    files = hub.tree(hub.repo(request, id), revision)[1]
    folders = sorted({"/".join(name.split("/")[:n]) for name in files for n in range(1, name.count("/") + 1)})
    listed = [{"type": "directory", "oid": git_sha1(each.encode()), "size": 0, "path": each} for each in folders]
    return JSONResponse(listed + [hub.entry(name, file) for name, file in sorted(files.items())])


@route("POST", "/api/models/{R}/paths-info/(?P<revision>.+)")
async def paths_info(hub: Hub, request: Request, id: str, revision: str) -> Any:
    files = hub.tree(hub.repo(request, id), revision)[1]
    form = "json" not in request.headers.get("content-type", "")
    paths = (await request.form()).getlist("paths") if form else (await request.json())["paths"]
    return JSONResponse([hub.entry(path, files[path]) for path in paths if path in files])


@route("GET", "/api/models/{R}/refs")
async def refs(hub: Hub, request: Request, id: str) -> Any:
    head = hub.repo(request, id)["head"]
    return {"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head}], "converts": [], "tags": []}


@route("GET", "/api/models/{R}/commits/(?P<revision>.+)")
async def commits(hub: Hub, request: Request, id: str, revision: str) -> Any:
    repo = hub.repo(request, id)
    oid: str | None = hub.tree(repo, revision)[0]
    said = []
    while oid:
        made = repo["commits"][oid]
        said.append(
            {
                "id": oid,
                "title": made["title"],
                "message": "",
                "date": made["date"],
                "authors": [{"user": repo["owner"]}],
            }
        )
        oid = made["parent"]
    return JSONResponse(said)


@route("GET", "/api/models/{R}(?:/revision/(?P<revision>.+))?")
async def model_info(hub: Hub, request: Request, id: str, revision: str | None) -> Any:
    repo = hub.repo(request, id)
    oid, files = hub.tree(repo, revision or "main")
    card: dict[str, Any] = {}
    if "README.md" in files and "sha256" not in files["README.md"]:
        card = card_errors((hub.folder / "git" / files["README.md"]["oid"]).read_text("utf-8"))[0]
    siblings = [
        {"rfilename": path, "size": file["size"], "blobId": file["oid"]} for path, file in sorted(files.items())
    ]
    said = {"_id": "1", "id": id, "modelId": id, "author": repo["owner"], "sha": oid, "gated": False, "disabled": False}
    said |= {
        "private": repo["private"],
        "lastModified": now(),
        "createdAt": repo["created"],
        "downloads": 0,
        "likes": 0,
    }
    tags = [*card.get("tags", []), f"license:{card.get('license')}", f"base_model:{card.get('base_model')}"]
    return {**said, "tags": tags, "library_name": card.get("library_name"), "cardData": card, "siblings": siblings}


# ---- serving -----------------------------------------------------------------------------------------------------------


class App:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode().split("?")[0]
        call = Call(f"{scope['method']} {path}", dict(scope["headers"]).get(b"authorization", b"").decode())
        self.hub.calls.append(call)
        fault = self._fault(call.line)

        def cut() -> None:
            receive.__self__.transport.abort()
            raise ConnectionResetError

        async def hear() -> Any:
            message = await receive()
            call.received += len(message.get("body", b""))
            if fault and fault.cut_after is not None and call.received >= fault.cut_after:
                cut()
            return message

        async def say(message: Any) -> None:
            call.status = message.get("status", call.status)
            if fault and fault.cut_answer:
                cut()
            await send(message)

        request = Request(scope, hear)
        try:
            if fault and fault.cut_after == 0:
                cut()
            if fault and fault.delay:
                await asyncio.sleep(fault.delay)
            if fault and fault.page:
                answer: Response = HTMLResponse("<html><body>Welcome to our network. Please log in.</body></html>")
            elif fault and fault.status:
                raise Refusal(fault.status, None, fault.message, fault.headers)
            else:
                answer = await self._answer(request, path)
        except (ConnectionResetError, ClientDisconnect):
            return
        except Refusal as refusal:
            headers = dict(refusal.headers)
            headers |= {"X-Error-Code": refusal.code} if refusal.code else {}
            headers |= {"X-Error-Message": refusal.message} if refusal.message else {}
            with contextlib.suppress(ClientDisconnect, ConnectionResetError):
                await request.body()
            answer = JSONResponse({"error": refusal.message}, refusal.status, headers=headers)
        with contextlib.suppress(ConnectionResetError):
            await answer(scope, hear, say)

    async def _answer(self, request: Request, path: str) -> Response:
        path = re.sub(r"^/(api/)?datasets/", lambda found: "/api/models/" if found[1] else "/", path)
        for methods, pattern, handler in ROUTES:
            if request.method in methods and (found := pattern.match(path)):
                given = {name: unquote(value) if value else value for name, value in found.groupdict().items()}
                said = await handler(self.hub, request, **given)
                return said if isinstance(said, Response) else JSONResponse(said)
        raise Refusal(404, None, f"no such address: {request.method} {path}")

    def _fault(self, line: str) -> Fault | None:
        for fault in self.hub.faults:
            if fault.times > 0 and re.search(fault.match, line):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


@contextlib.contextmanager
def serve(folder: Path, *, xet: bool = True, port: int = 0) -> Iterator[Hub]:
    """A hub that listens on a free port of this machine until the end of the block."""
    import uvicorn

    hub = Hub(folder, xet=xet)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    hub.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(App(hub), log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join(5)
        listening.close()
