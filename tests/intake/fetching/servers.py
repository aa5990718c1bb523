"""Real database servers for the slow tests: started in a folder of their own, on loopback, ended afterwards."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PASSWORD = "s3cr3t/Ñ@pass"
OWNERS = "owners-own"  # a server reads its first statements in letters of its own choice
QUOTED = "s3cr3t%2F%C3%91%40pass"


class Server(NamedTuple):
    """Where a server listens, as its owner (`owner`) and as one who may only read `shop.faq` (`reader`)."""

    kind: str
    port: int
    folder: Path

    def address(self, user: str = "reader", password: str = QUOTED, database: str = "shop") -> str:
        return f"{self.kind}://{user}:{password}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    bin = next((Path(found).resolve().parent for name in ("initdb", "postgres") if (found := shutil.which(name))), None)
    if bin is None or not (bin / "initdb").exists():
        pytest.skip("no PostgreSQL server is installed")
    with _folder("pg") as (folder, who):
        (folder / "password").write_text(OWNERS, encoding="utf-8")
        _own(folder / "password", who)
        data = str(folder / "data")
        _run(
            [
                str(bin / "initdb"),
                "-D",
                data,
                "-U",
                "owner",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                *["--locale=C", "--no-sync", "--pwfile"],
                str(folder / "password"),
            ],
            who,
        )
        port = _port()
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "fsync": "off"}
        command = [str(bin / "postgres"), "-D", data, "-p", str(port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with _running(command, who, folder, port):
            yield Server("postgresql", port, folder)


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    server, install = shutil.which("mariadbd") or shutil.which("mysqld"), shutil.which("mariadb-install-db")
    for path in ("/usr/sbin/mariadbd",):
        server = server or (path if Path(path).exists() else None)
    if not server or not install:
        pytest.skip("no MariaDB server is installed")
    with _folder("maria") as (folder, who):
        data = folder / "data"
        _run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            who,
        )
        begin = folder / "begin.sql"
        begin.write_text(
            f"CREATE USER owner@'%' IDENTIFIED BY '{OWNERS}';\nGRANT ALL ON *.* TO owner@'%' WITH GRANT OPTION;\n",
            encoding="utf-8",
        )
        _own(begin, who)
        port = _port()
        command = [server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1"]
        command += [
            f"--socket={folder / 's'}",
            f"--init-file={begin}",
            "--skip-name-resolve",
            f"--pid-file={folder / 'pid'}",
        ]
        command += ["--innodb-buffer-pool-size=16M", "--character-set-server=utf8mb4", f"--secure-file-priv={folder}"]
        with _running(command, who, folder, port):
            yield Server("mysql", port, folder)


@contextlib.contextmanager
def _folder(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder that an ordinary account may enter: these servers refuse to run as root."""
    who: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    _own(folder, who)
    try:
        yield folder, who
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own(path: Path, who: dict[str, Any]) -> None:
    if who:
        shutil.chown(path, who["user"], who["group"])


def _run(command: list[str], who: dict[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **who)
    if done.returncode:
        pytest.skip(f"{command[0]} did not work here: {done.stderr[-500:]}")


@contextlib.contextmanager
def _running(command: list[str], who: dict[str, Any], folder: Path, port: int) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **who)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and server.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.2)
        else:
            pytest.skip(f"the server did not start: {(folder / 'log').read_text(errors='replace')[-500:]}")
        yield
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
