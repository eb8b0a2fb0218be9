"""Laws of URLs of job files: the token stays on its host, and no private address is reached however it is written."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import assume, given
from hypothesis import strategies as st

from partner_orders.platform.job_files import JobFiles, UrlRefusedError, is_public, target_of

pytestmark = pytest.mark.slow

OWN = "foodpanda.partner.deliveryhero.io"
BASE_URL = f"https://{OWN}"
SECRET = "Signature-4711"
PRIVATE = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
PRIVATE_IPV6 = [ip_network(text) for text in ("::/8", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8", "2002::/16")]


@st.composite
def private_ipv4(draw: st.DrawFn) -> IPv4Address:
    network = draw(st.sampled_from(PRIVATE))
    first = int(network.network_address)
    known = [IPv4Address("127.0.0.1"), IPv4Address("169.254.169.254"), IPv4Address("10.0.0.1")]
    return draw(st.sampled_from(known) | st.integers(first, first + network.num_addresses - 1).map(IPv4Address))


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """A private address as some resolver or parser would take it."""
    address = draw(private_ipv4())
    number, parts = int(address), address.packed
    in_base = draw(st.sampled_from(["{}", "0x{:x}", "0{:o}", "0X{:X}", "00{:o}"]))
    plain = ".".join(in_base.format(part) for part in parts)
    short = f"{in_base.format(parts[0])}.{in_base.format(number & 0xFFFFFF)}"
    middle = f"{parts[0]}.{in_base.format(parts[1])}.{in_base.format(number & 0xFFFF)}"
    wide = "".join(chr(0xFF10 + int(digit)) if digit.isdecimal() else digit for digit in str(address))
    escaped = "".join(f"%{ord(character):02x}" for character in str(address))
    host = draw(st.sampled_from([str(address), plain, short, middle, in_base.format(number), wide, escaped]))
    mapped = draw(st.sampled_from(["::ffff:{}", "::{}", "64:ff9b::{}", "::ffff:0:{}"])).format(address)
    return draw(st.sampled_from([host, f"{host}.", f"[{mapped}]", f"[{IPv6Address(mapped).exploded}]", f"[{address}]"]))


@given(spellings())
def test_private_addresses_are_refused(host: str) -> None:
    """A private address is refused in every spelling, by the text of the URL alone."""
    with pytest.raises(UrlRefusedError):
        target_of(f"https://{host}/{SECRET}", BASE_URL)


@given(private_ipv4().map(str) | st.sampled_from(PRIVATE_IPV6).flatmap(lambda n: st.ip_addresses(network=n)).map(str))
def test_private_addresses_are_not_public(address: str) -> None:
    """No address of a private, local, shared, embedded or multicast network is public."""
    assert not is_public(address)


@given(st.lists(st.sampled_from(["93.184.216.34", "2606:2800:21f::1"]), max_size=4), spellings(), st.integers(0, 4))
def test_every_resolved_address_is_public(public: list[str], private: str, place: int) -> None:
    """A name one of whose addresses is not public is refused before any connection; so is one that has none."""
    resolved = [*public[:place], private.strip("[]"), *public[place:]]
    client: Any = type("Client", (), {"base_url": BASE_URL})()
    for addresses in (resolved, []):
        files = JobFiles(client, 100, 5.0, {"files.example.com": addresses}.__getitem__, NoSession)
        with pytest.raises(UrlRefusedError, match="not public"):
            next(files.download(f"https://files.example.com/{SECRET}"))


class NoSession(requests.Session):
    """A session that may not be used."""

    def request(self, *_: Any, **__: Any) -> requests.Response:
        raise AssertionError("a request to an address that was not checked")


PATHS = st.sampled_from(["", "/", "/f.csv", f"/{SECRET}", "//x", "/@x", "/..", "/a:b"])
QUERIES = st.sampled_from(["", f"?sig={SECRET}", "?u=https://x@y/", f"#{SECRET}"])
HOSTS = st.sampled_from(
    [
        OWN,
        OWN.upper(),
        f"{OWN}.",
        f"{OWN}.evil.example",
        f"evil.example#{OWN}",
        f"evil.example\\@{OWN}",
        f"{OWN}\\.evil.example",
        f"evil{OWN}",
        "files.example.com",
        "8.8.8.8",
        "[2606:4700::1]",
        "localhost",
        "\uff46oodpanda.partner.deliveryhero.io",
        "",
    ]
)
LOGINS = st.sampled_from(["", "", "", f"{OWN}@", f"user:{SECRET}@", "@"])
PORTS = st.sampled_from(["", "", "", ":", ":443", ":80", ":8443", ":0443", ":x", ":99999", f":443@{OWN}"])
SCHEMES = st.sampled_from(["https://", "https://", "http://", "HTTPS://", "//", "https:", "https:/", "ftp://", ""])
URLS = st.builds("{}{}{}{}{}{}".format, SCHEMES, LOGINS, HOSTS, PORTS, PATHS, QUERIES) | st.text(max_size=40)


@given(URLS)
def test_token_stays_on_its_host(url: str) -> None:
    """A request that carries the token goes to the configured host, by the same scheme, whatever the URL says; and
    another host's URL never becomes such a request."""
    try:
        target = target_of(url, BASE_URL)
    except UrlRefusedError:
        return
    if target.host is None:
        sent = urlsplit(requests.Request("GET", BASE_URL + target.path).prepare().url or "")
        assert (sent.scheme, sent.netloc) == ("https", OWN)
        # Either it named no host, or this one.
        named = urlsplit(url)
        assert named.hostname in (None, OWN)
        assert named.scheme in ("", "https")
    else:
        assert target.host != OWN
        assert target.url.startswith("https://")
        assert urlsplit(target.url).hostname == target.host


@given(SCHEMES, LOGINS, HOSTS, PORTS, QUERIES)
def test_refusal_holds_no_secret(scheme: str, login: str, host: str, port: str, query: str) -> None:
    """The text of a refusal, and that of a target, has neither path nor query nor login."""
    assume(login + host + port)  # else the path of https:// is its host
    try:
        text = repr(target_of(f"{scheme}{login}{host}{port}/{SECRET}{query}", BASE_URL))
    except UrlRefusedError as error:
        text = f"{error} {error!r}"
    assert SECRET not in text
    assert SECRET.lower() not in text


@given(st.sampled_from(["http", "https"]), st.sampled_from(["", ":443", ":80", ":8080"]))
def test_own_host_has_one_scheme_and_port(scheme: str, port: str) -> None:
    """Only the configured scheme and port of the own host are given the token."""
    url = f"{scheme}://{OWN}{port}/f.csv"
    assume(url not in (f"{BASE_URL}/f.csv", f"{BASE_URL}:443/f.csv"))
    with pytest.raises(UrlRefusedError):
        target_of(url, BASE_URL)
