"""Downloads of job files: with the token from the Partner API, without it from a checked address, and bounded."""

import contextlib
import datetime
import gzip
import json
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from partner_orders.clock import now
from partner_orders.platform import job_files
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.http import PartnerApiClient, RunLimits
from partner_orders.platform.job_files import JobFiles, UrlRefusedError, addresses_of, target_of
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.session import platform_session
from tests.support.raw_server import Answer, dripping, raw_server, response

pytestmark = pytest.mark.slow

# Without the time of packing: a test is named by its content.
packed = partial(gzip.compress, mtime=0)

STORAGE = "files.example.com"
SIGNED = f"https://{STORAGE}/f.csv?sig=4711"
CSV = b'"sku","state","errors"\n' * 9_000
MIB = 1_048_576

type Files = Callable[..., JobFiles]


class Tokens:
    """Credentials whose token is another one after each rejection."""

    stored_at = None
    rejections = 0

    def token(self) -> str:
        return f"token-{self.rejections}"

    def rejected(self) -> None:
        self.rejections += 1


@contextlib.contextmanager
def files(base_url: str, most_bytes: int = MIB, seconds: float = 5.0, **options: Any) -> Iterator[JobFiles]:
    """Downloads whose storage resolves to this machine."""
    tokens: Any = Tokens()
    per_minute = options.pop("per_minute", 1_000)
    with platform_session() as session:
        limit = RateLimit(per_minute, lambda: 0.0, lambda _: None)
        client = PartnerApiClient(base_url, tokens, session, limit, now, lambda _: None)
        client.begin(RunLimits(remaining_seconds=lambda: 30.0), client.end())
        yield JobFiles(client, most_bytes, seconds, **({"resolve": lambda _: ["127.0.0.1"]} | options))


def from_platform(answer: Answer, url: str = "/f.csv", **options: Any) -> bytes:
    with raw_server(answer) as base_url, files(base_url, **options) as ours:
        return b"".join(ours.download(url.replace("BASE", base_url)))


# -- from the Partner API -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/v2/f.csv?a=1", "v2/f.csv?a=1", "BASE/v2/f.csv?a=1#x"])
def test_file_of_the_partner_api(url: str) -> None:
    """A path, or a URL of the configured host, is fetched there, in parts of bounded size."""
    lines: list[str] = []

    def answer(first_line: str) -> Iterable[bytes]:
        lines.append(first_line)
        return [response(CSV)]

    with raw_server(answer) as base_url, files(base_url) as ours:
        parts = [*ours.download(url.replace("BASE", base_url))]
    assert b"".join(parts) == CSV
    assert max(map(len, parts)) <= 65_536
    assert lines == ["GET /v2/f.csv?a=1 HTTP/1.1\r\n"]


def test_rejected_token_is_replaced_once() -> None:
    """After a 401 of the Partner API the file is requested once more, and no third time."""
    replies = [response(b"", status="401 Unauthorized"), response(CSV)]
    assert from_platform(lambda _: [replies.pop(0)]) == CSV
    refusals = [response(b"", status="401 Unauthorized")] * 3
    with pytest.raises(PartnerApiError, match=r"^unauthorized$"):
        from_platform(lambda _: [refusals.pop()])
    assert len(refusals) == 1


def test_file_takes_a_permit() -> None:
    """A file of the Partner API counts for the request limit."""
    with raw_server(lambda _: [response(CSV)]) as base_url, files(base_url, per_minute=1) as ours:
        assert b"".join(ours.download("/f.csv")) == CSV
        with pytest.raises(OutOfTimeError):
            next(ours.download("/f.csv"))


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "429 Slow Down", "202 Accepted"])
def test_error_is_no_file(status: str) -> None:
    """The body of an error is never taken for a file."""
    with pytest.raises(PartnerApiError):
        from_platform(lambda _: [response(CSV, status=status)])


@pytest.mark.parametrize(("body", "encoding"), [(CSV, "identity"), (packed(CSV), "gzip")])
@pytest.mark.parametrize("spare", [0, -1])
def test_file_is_bounded(body: bytes, encoding: str, spare: int) -> None:
    """A file of exactly the limit is read whole; one of a byte more, as it is or inflated, ends in an error."""

    def read() -> bytes:
        return from_platform(lambda _: [response(body, f"Content-Encoding: {encoding}")], most_bytes=len(CSV) + spare)

    if spare == 0:
        assert read() == CSV
        return
    with pytest.raises(PartnerApiError) as error:
        read()
    assert (error.value.failure, error.value.retry_after) == (Failure.TOO_LARGE, None)


def test_bomb_takes_bounded_memory() -> None:
    """A file that inflates without end is given up early, in little memory."""
    packing = zlib.compressobj(wbits=31)
    bomb = b"".join(packing.compress(b" " * MIB) for _ in range(60)) + packing.flush()
    tracemalloc.start()
    with raw_server(lambda _: [response(bomb, "Content-Encoding: gzip")]) as base_url, files(base_url) as ours:
        parts = ours.download("/f.csv")
        with pytest.raises(PartnerApiError, match=r"^too_large$"):
            for _ in parts:
                pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * MIB


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(CSV)[:-9], "gzip"),
        (packed(CSV) + b"more", "gzip"),
        (packed(CSV) + bytes(200_000) + b"more", "gzip"),
        (CSV, "gzip"),
        (CSV, "br"),
        (packed(packed(CSV)), "gzip, gzip"),
    ],
)
def test_corrupt_encoding_is_an_error(body: bytes, encoding: str) -> None:
    """A file that is cut, corrupt, followed by more, or in another encoding is an error and no shorter file."""
    with pytest.raises(PartnerApiError, match=r"^refused:encoding$"):
        from_platform(lambda _: [response(body, f"Content-Encoding: {encoding}")])


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 400_000])
def test_inflated_file_is_whole(size: int) -> None:
    """A file that inflates to several parts comes whole, whatever its size."""
    body = packed(b"x" * size)
    assert from_platform(lambda _: dripping(response(body, "Content-Encoding: gzip"), 0.0)) == b"x" * size


@pytest.mark.parametrize("body", [packed(CSV) + bytes(99), b""])
def test_padded_and_empty_files_are_whole(body: bytes) -> None:
    """Zeros after the content are no content, and nothing says nothing in any encoding."""
    assert from_platform(lambda _: [response(body, "Content-Encoding: gzip")]) == (CSV if body else b"")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: dripping(response(b"x" * 500)),
        lambda _: [response(CSV)[:-9]],
        lambda _: [b""],
        lambda _: [b"\x00" * 50],
    ],
    ids=["slow", "cut", "nothing", "bytes"],
)
def test_broken_download_ends_in_time(answer: Answer) -> None:
    """A file that drips, or breaks off, is an error that may pass, in time."""
    begun = time.monotonic()
    with pytest.raises(PartnerApiError, match=r"^no_answer:") as error:
        from_platform(answer, seconds=1.0)
    assert error.value.retry_after == 0.0
    assert time.monotonic() - begun < 3.0


def test_unfinished_download_is_closed() -> None:
    """A caller that stops reading leaves no connection open."""
    ended = threading.Event()

    def answer(_: str) -> Iterable[bytes]:
        try:
            yield response(b"").replace(b"Length: 0", b"Length: 999999999")
            while True:
                yield b" " * MIB
        finally:
            ended.set()

    with raw_server(answer) as base_url, files(base_url, most_bytes=10 * MIB) as ours:
        parts: Any = ours.download("/f.csv")
        assert next(parts)
        parts.close()
        assert ended.wait(5.0)


# -- from a storage -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the storage, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, STORAGE)])
    today = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(STORAGE)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "storage.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def storage(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A storage on this machine, which the tests take for a public address; the heads of the requests that it got."""
    heads: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Handler(StreamRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def handle(self) -> None:
            heads.append("".join(iter(lambda: self.rfile.readline().decode().lower(), "\r\n")))
            path = heads[-1].split()[1]
            status = {"/expired": "403 Forbidden", "/busy": "503 Busy"}.get(path, "200 OK")
            redirect = ["Location: /again"] if path == "/again" else []
            self.wfile.write(response(CSV, *redirect, status="302 Found" if redirect else status))

    class Server(ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that does not trust the certificate closes the connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setattr(job_files, "HTTPS_PORT", server.server_address[1])
        monkeypatch.setattr(job_files, "is_public", lambda address: address.startswith("127."))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield heads
        server.shutdown()


def test_storage_gets_no_token(storage: list[str]) -> None:
    """A storage is reached at the checked address, by its own name and certificate, without the token."""
    with files("https://platform.example") as ours:
        assert b"".join(ours.download(SIGNED)) == CSV
    (head,) = storage
    assert head.startswith("get /f.csv?sig=4711 http/1.1\r\n")
    assert f"host: {STORAGE}\r\n" in head
    assert "authorization" not in head
    assert "token-" not in head


def test_name_is_resolved_once(storage: list[str]) -> None:
    """The address that was checked is the one that is reached: a name that changes meanwhile is not asked again."""
    addresses = [["127.0.0.1"], ["10.0.0.1"]]
    with files("https://platform.example", resolve=lambda _: addresses.pop(0)) as ours:
        assert b"".join(ours.download(SIGNED)) == CSV
        with pytest.raises(UrlRefusedError, match=STORAGE):
            next(ours.download(SIGNED))
    assert len(storage) == 1


def test_certificate_has_to_be_the_hosts(storage: list[str]) -> None:
    """Another host than the certificate's gets no request, though its address is right."""
    with files("https://platform.example") as ours, pytest.raises(PartnerApiError, match=r"^no_answer:SSLError$"):
        next(ours.download("https://other.example.com/f.csv"))
    assert storage == []


def test_unreachable_address_is_passed_over(storage: list[str]) -> None:
    """Where one of a host's addresses is not reached, the next one is."""
    with files("https://platform.example", resolve=lambda _: ["127.0.0.2", "127.0.0.1"]) as ours:
        assert b"".join(ours.download(SIGNED)) == CSV
    assert len(storage) == 1


@pytest.mark.parametrize(
    ("path", "text", "wait"), [("expired", "refused:403", None), ("busy", "server_error:503", 0.0)]
)
def test_status_of_a_storage(storage: list[str], path: str, text: str, wait: float | None) -> None:
    """A storage's refusal says nothing of the platform: an expired URL is final, a busy storage may pass."""
    with files("https://platform.example") as ours, pytest.raises(PartnerApiError) as error:
        next(ours.download(f"https://{STORAGE}/{path}"))
    assert type(error.value) is PartnerApiError
    assert (str(error.value), error.value.retry_after) == (text, wait)


def test_platform_redirects_to_a_storage(storage: list[str]) -> None:
    """A redirect of the Partner API to a storage is followed, without the token."""
    redirect = response(b"", f"Location: {SIGNED}", status="302 Found")
    assert from_platform(lambda _: [redirect]) == CSV
    assert "authorization" not in storage[0]


def test_redirects_are_bounded(storage: list[str]) -> None:
    """After two redirects there is an end."""
    with files("https://platform.example") as ours, pytest.raises(UrlRefusedError, match="more than 2 times"):
        next(ours.download(f"https://{STORAGE}/again"))
    assert len(storage) == 3


@pytest.mark.parametrize(
    "place",
    [
        "http://files.example.com/4711",
        "https://169.254.169.254/4711",
        "//10.0.0.1/4711",
        "https://files.example.com:22/4711",
        "https://[::1/4711",
        "file:///4711",
        "",
    ],
)
def test_redirect_follows_the_same_rules(place: str) -> None:
    """A redirect to what no URL may name is refused, and the refusal has no path."""
    with pytest.raises(UrlRefusedError) as error:
        from_platform(lambda _: [response(b"", f"Location: {place}", status="307 Temporary")])
    assert "4711" not in str(error.value)


def test_name_that_does_not_resolve_may_pass() -> None:
    """A failing name service is an error that may pass."""

    def resolve(_: str) -> list[str]:
        raise OSError

    with files("https://platform.example", resolve=resolve) as ours, pytest.raises(PartnerApiError) as error:
        next(ours.download(SIGNED))
    assert (error.value.failure, error.value.retry_after) == (Failure.NO_RESPONSE, 0.0)


def test_refusal_names_the_host() -> None:
    """A refusal says which host it is about, and what to use."""
    with pytest.raises(UrlRefusedError, match=r"^a file at 10\.0\.0\.1 is not fetched: it is an address"):
        target_of("https://10.0.0.1/4711?sig=4711", "https://platform.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://ours@files.example.com/f",
        "https://ours:4711@platform.example/f",
        "https://platform.example\\@files.example.com/f",
        "/f\\f",
        "/f f",
        "/f\tf",
        "/\u00e9",
        "//platform.example:8443/f",
        "///f",
        "/" + "f" * 9_000,
        "https://[2606:4700::1111%251]/f",
        "https://[::ffff:8.8.8.8]/f",
        "https://files.example.com:99999/f",
        "https://files.example.com.:443/f",
        "https://files/f",
        "",
    ],
)
def test_strange_urls_are_refused(url: str) -> None:
    """A URL that two readers may read differently is refused."""
    with pytest.raises(UrlRefusedError):
        target_of(url, "https://platform.example")


def test_addresses_of_this_machine() -> None:
    """A name's addresses are found as a resolver gives them, those of IPv4 first."""
    assert addresses_of("localhost")[0] == "127.0.0.1"


@pytest.mark.parametrize("url", ["https://8.8.8.8/f", "https://[2606:4700::1111]/f", f"https://{STORAGE}:443/f"])
def test_public_hosts_are_taken(url: str) -> None:
    """A public address and a full name may serve a file."""
    target = target_of(url, "https://platform.example")
    assert target.host is not None
    assert requests.Request("GET", target.url).prepare().url == url.replace(":443", "")


def test_own_port_is_its_own() -> None:
    """The configured host is known by its port, too, stated or not."""
    assert target_of("https://platform.example:443/f?a", "https://platform.example").path == "/f?a"
    assert target_of("https://PLATFORM.example/f", "https://platform.example:443/").host is None
    assert json.dumps(target_of("/f", "https://platform.example/").url) == '"https://platform.example/f"'
