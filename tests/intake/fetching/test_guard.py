"""Nothing that is not public is ever asked: by its form, by what its name stands for, by where it is sent on."""

import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from studio.base.errors import BadName, Refused, StudioError, Unavailable
from studio.base.recipes import WebRequest
from studio.intake import fetching
from studio.intake.fetching import guard
from studio.intake.fetching.client import Client
from tests.intake.fetching import sites


class Silent:
    """A machine nobody may call: it notes every try to open a connection, wherever it leads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[object] = []
        real = socket.socket.connect

        def connect(one: socket.socket, where: object) -> None:
            self.tried.append(where)
            real(one, where)  # type: ignore[arg-type]

        monkeypatch.setattr(socket.socket, "connect", connect)
        monkeypatch.setattr(socket, "create_connection", lambda where, *more, **named: self.tried.append(where))


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    return Silent(monkeypatch)


def never_looked_up(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://127.0.0.1/", "web_address_private"),
        ("127.0.0.1", "web_address_private"),
        ("http://[::1]/", "web_address_private"),
        ("http://2130706433/", "web_address_private"),
        ("http://0x7f000001/", "web_address_private"),
        ("http://0177.0.0.1/", "web_address_wrong"),
        ("http://127.1/", "web_address_private"),
        ("http://127.0.0.1./", "web_address_private"),
        ("http://[::ffff:127.0.0.1]/", "web_address_private"),
        ("http://[::ffff:7f00:1]/", "web_address_private"),
        ("http://[64:ff9b::7f00:1]/", "web_address_private"),
        ("http://[2002:7f00:1::]/", "web_address_private"),
        ("http://[fe80::1]/", "web_address_private"),
        ("http://[fd00::1]/", "web_address_private"),
        ("http://169.254.169.254/latest/meta-data/", "web_address_private"),
        ("http://100.64.0.1/", "web_address_private"),
        ("http://0.0.0.0/", "web_address_private"),
        ("http://10.0.0.1/", "web_address_private"),
        ("http://172.16.0.1/", "web_address_private"),
        ("http://192.168.1.1/", "web_address_private"),
        ("http://224.0.0.1/", "web_address_private"),
        ("http://255.255.255.255/", "web_address_private"),
        ("file:///etc/passwd", "web_address_scheme"),
        ("ftp://example.com/", "web_address_scheme"),
        ("gopher://example.com/", "web_address_scheme"),
        ("javascript:alert(1)", "web_address_scheme"),
        ("http://user@example.com/", "web_address_login"),
        ("https://user:secret@example.com/", "web_address_login"),
        ("http://example.com@127.0.0.1/", "web_address_login"),
        ("http://example.com:8080/", "web_address_port"),
        ("http://example.com:22/", "web_address_port"),
        ("", "web_address_wrong"),
        ("http://", "web_address_wrong"),
        ("http://exa mple.com/", "web_address_wrong"),
        ("http://example.com\\@127.0.0.1/", "web_address_wrong"),
        ("http://example.com/\r\nHost: inside", "web_address_wrong"),
        ("http://1.2.3.4.5/", "web_address_wrong"),
        ("https://" + "a" * 3_000, "web_address_wrong"),
    ],
)
def test_what_is_not_a_public_web_address_is_refused_without_a_packet(
    address: str, code: str, tmp_path: Path, silent: Silent
) -> None:
    with pytest.raises(StudioError) as refused:
        fetching.web(
            WebRequest.model_construct(address=address, pages=1, depth=0),
            tmp_path,
            lambda event: None,
            lambda: False,
            resolve=never_looked_up,
        )
    assert (refused.value.code, silent.tried) == (code, [])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::ffff:192.168.0.1"],
        ["8.8.8.8", "192.168.0.1"],
        ["fe80::1%eth0"],
        ["what"],
    ],
)
def test_a_name_that_stands_for_a_private_machine_is_refused_without_a_packet(
    answers: list[str], silent: Silent
) -> None:
    with pytest.raises(Refused) as refused:
        Client(resolve=lambda host, port: answers).get("https://intranet.example/")
    assert (refused.value.code, refused.value.parameters, silent.tried) == (
        "web_address_private",
        {"address": "intranet.example"},
        [],
    )


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::1", False),
        ("2002:a00:1::1", False),
        ("2001:0:1::1", False),
        ("::7f00:1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
    ],
)
def test_public_is_what_everybody_reaches(address: str, public: bool) -> None:
    assert guard.is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("acme.com", "https://acme.com"),
        ("  acme.com/help ", "https://acme.com/help"),
        ("acme.com:443/a", "https://acme.com/a"),
        ("HTTP://ACME.com:80/a#part", "http://acme.com/a"),
        ("//acme.com/", "https://acme.com/"),
        ("https://español.es/año", "https://xn--espaol-zwa.es/a%C3%B1o"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
    ],
)
def test_an_address_is_understood_the_way_people_type_it(typed: str, asked: str) -> None:
    assert guard.checked(typed).rstrip("/") == asked.rstrip("/")


@pytest.fixture
def site() -> Iterator[sites.Site]:
    with sites.serve({"/": sites.page("Home")}) as running:
        yield running


def test_a_name_that_changes_its_mind_is_connected_to_the_answer_that_was_checked(site: sites.Site) -> None:
    """DNS rebinding: the first answer is allowed, every later one would be the inside of the network."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    client = Client(lambda host, port: port == site.port and not host.startswith("10."), rebinding)
    assert client.get(site.address()).content == sites.page("Home").encode()
    client.close()
    with pytest.raises(Refused, match="web_address_private"):
        client.get(site.address())
    assert asked == ["site.test", "site.test"]


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("http://127.0.0.1/", "web_address_private"),
        ("http://169.254.169.254/latest/", "web_address_private"),
        ("http://inside.test/", "web_address_private"),
        ("//2130706433/", "web_address_private"),
        ("file:///etc/passwd", "web_address_scheme"),
        ("http://site.test:22/", "web_address_port"),
        ("http://me:secret@site.test/", "web_address_login"),
    ],
)
def test_a_redirect_is_checked_like_an_address_that_was_typed(
    to: str, code: str, site: sites.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answers["/away"] = sites.moved(to)
    client = Client(
        lambda host, port: port == site.port, lambda host, port: ["127.0.0.1" if host == "site.test" else "10.0.0.1"]
    )
    with pytest.raises(StudioError) as refused:
        client.get(site.address("/away"))
    assert (refused.value.code, site.asked) == (code, ["/away"])
    client.close()


def test_a_name_nobody_knows_is_unreachable() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Unavailable) as failed:
        Client(resolve=unknown).get("https://nobody.example/")
    assert (failed.value.code, failed.value.parameters) == (
        "web_unreachable",
        {"address": "https://nobody.example/"},
    )


def test_a_private_address_is_wrong_and_not_only_refused_when_it_cannot_be_read() -> None:
    with pytest.raises(BadName, match="web_address_wrong"):
        guard.checked("http://[not-an-address]/")


@pytest.mark.slow
def test_an_encrypted_site_is_known_by_its_name_though_the_connection_goes_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host and certificate are those of the name; a certificate of another name is not taken."""
    import shutil
    import ssl
    import threading

    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=shop.test",
            "-addext",
            "subjectAltName=DNS:shop.test",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, own: names.append(name)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    heard: list[bytes] = []

    def answer() -> None:
        while True:
            try:
                with listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as safe:
                    heard.append(safe.recv(4096))
                    safe.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    client = Client(lambda host, at: at == port, lambda host, at: ["127.0.0.1"])
    assert client.get(f"https://shop.test:{port}/").content == b"hi"
    assert b"Host: shop.test:%d\r\n" % port in heard[0]
    with pytest.raises(Unavailable, match="web_unreachable"):
        client.get(f"https://other.test:{port}/")
    assert names == ["shop.test", "other.test"]
    client.close()
    listening.close()
