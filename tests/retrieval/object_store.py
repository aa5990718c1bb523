"""A small object store that speaks the part of S3 which tables need, on loopback: objects, ranges, lists, parts, conditions.

With `forgetful` it overlooks `If-None-Match`, as some real stores do. Signatures are not checked; everything is in memory.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "amedida"


class Store:
    """What is kept, where it answers, and how lancedb gets there."""

    def __init__(self, port: int, forgetful: bool) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.uri = f"s3://{BUCKET}/indexes"
        self.options = {
            "endpoint": self.endpoint,
            "allow_http": "true",
            "region": "us-east-1",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "hush-hush",
        }
        self.forgetful = forgetful
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()


@contextmanager
def serving(forgetful: bool = False) -> Iterator[Store]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    store = Store(server.server_address[1], forgetful)
    server.store = store  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out as two packets: 40 ms an answer where the second waits

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.store.lock:
            if "partNumber" in self.asked:
                self.store.parts[self.asked["uploadId"]][int(self.asked["partNumber"])] = body
            elif self._taken():
                return self._say(412, _error("PreconditionFailed"))
            else:
                self.store.objects[self.key] = body
        return self._say(200, headers={"ETag": _etag(body)})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        with self.store.lock:
            if "uploads" in self.asked:
                upload = f"upload-{len(self.store.parts)}"
                self.store.parts[upload] = {}
                return self._say(200, f"<R><Bucket>b</Bucket><Key>k</Key><UploadId>{upload}</UploadId></R>")
            if "delete" in self.asked:
                gone = re.findall(r"<Key>(.*?)</Key>", body)
                for key in gone:
                    self.store.objects.pop(key, None)
                said = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
                return self._say(200, f"<DeleteResult>{said}</DeleteResult>")
            if self._taken():
                return self._say(412, _error("PreconditionFailed"))
            parts = self.store.parts.pop(self.asked["uploadId"])
            whole = self.store.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
        return self._say(200, f"<R><Bucket>b</Bucket><Key>k</Key><ETag>{_etag(whole)}</ETag></R>")

    def do_GET(self) -> None:
        if "list-type" in self.asked:
            return self._list()
        with self.store.lock:
            found = self.store.objects.get(self.key)
        if found is None:
            return self._say(404, _error("NoSuchKey"))
        headers = {"ETag": _etag(found), "Last-Modified": "Sun, 22 Nov 2026 00:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range", ""))
        if asked is None:
            return self._say(200, found, headers)
        first, last = asked.groups()
        start = int(first) if first else max(len(found) - int(last), 0)
        end = min(int(last) + 1, len(found)) if first and last else len(found)
        return self._say(206, found[start:end], headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(found)}"})

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def do_DELETE(self) -> None:
        with self.store.lock:
            self.store.objects.pop(self.key, None)
        self._say(204)

    @property
    def store(self) -> Store:
        return self.server.store  # type: ignore[attr-defined, no-any-return]

    @property
    def asked(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}").strip("/")

    def _taken(self) -> bool:
        once = self.headers.get("if-none-match") == "*" and not self.store.forgetful
        return once and self.key in self.store.objects

    def _list(self) -> None:
        prefix, delimiter = self.asked.get("prefix", ""), self.asked.get("delimiter", "")
        after = self.asked.get("start-after", "")
        with self.store.lock:
            sizes = {k: len(v) for k, v in sorted(self.store.objects.items()) if k.startswith(prefix) and k > after}
        folders = sorted(
            {
                prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
                for key in sizes
                if delimiter and delimiter in key[len(prefix) :]
            }
        )
        flat = {key: size for key, size in sizes.items() if not (delimiter and delimiter in key[len(prefix) :])}
        said = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size><ETag>e</ETag>"
            "<LastModified>2026-11-22T00:00:00.000Z</LastModified></Contents>"
            for key, size in flat.items()
        )
        said += "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        self._say(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{said}</ListBucketResult>")

    def _say(self, status: int, body: str | bytes = b"", headers: dict[str, str] | None = None) -> None:
        sent = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)

    def log_message(self, *_told: object) -> None:
        pass


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
