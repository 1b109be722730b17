"""Where a request comes from."""

from typing import Any

import pytest

from procpulse.web.access import Access
from procpulse.web.peers import Peer, TrustedProxies, is_forwarded, is_local, is_ours
from procpulse.web.tokens import Tokens
from tests.web import TOKEN, application, client

SENT_BY_PROXIES = {
    "nginx": {"X-Real-IP": "203.0.113.9"}, "Apache": {"X-Forwarded-Server": "www.example"}, "Squid": {"Via": "1.1 squid"},
    "RFC 7239": {"Forwarded": "for=203.0.113.9"}, "Caddy": {"X-Forwarded-For": "127.0.0.1"},
    "AWS": {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"}, "CloudFront": {"X-Amz-Cf-Id": "x"},
    "Cloudflare": {"CF-Connecting-IP": "203.0.113.9"}, "a loop of CDNs": {"CDN-Loop": "fastly"},
    "Fastly": {"Fastly-Client-IP": "203.0.113.9"}, "Envoy": {"X-Envoy-External-Address": "203.0.113.9"},
    "Azure": {"X-Azure-ClientIP": "203.0.113.9"}, "IIS": {"X-ARR-SSL": "2048"}, "Tailscale": {"Tailscale-User-Login": "a@b"},
    "Akamai": {"True-Client-IP": "203.0.113.9"}, "Varnish": {"X-Varnish": "32770"}, "Google": {"X-Goog-Iap-Jwt-Assertion": "x"},
    "an own port": {"X-Forwarded-Port": "443"}, "Fly": {"Fly-Client-IP": "203.0.113.9"},
}  # fmt: skip


@pytest.mark.parametrize("headers", SENT_BY_PROXIES.values(), ids=SENT_BY_PROXIES)
async def test_what_a_proxy_passes_on_is_not_local(headers: dict[str, str]) -> None:
    app = application()
    async with client(app) as web:
        assert (await web.get("/v1/schema")).status_code in (200, 503)
        answer = await web.get("/v1/schema", headers=headers)
        assert answer.status_code == 403
        assert "through a proxy" in answer.json()["error"]
    await app.hub.stop()


def test_a_proxy_that_says_nothing() -> None:
    def asked(version: str = "1.1", **headers: str) -> bool:
        given = {name.replace("_", "-").encode(): [value.encode()] for name, value in headers.items()}
        return is_forwarded({"http_version": version}, given)

    assert asked("1.0", connection="close"), "nginx as it comes"
    assert not asked(host="127.0.0.1:8787", user_agent="curl/8")
    assert not asked(host="localhost:8787", referer="http://localhost:8787/", sec_fetch_site="same-origin")
    assert asked(host="127.0.0.1:8787", referer="https://pulse.example/", sec_fetch_site="same-origin")
    assert not asked(host="127.0.0.1:8787", referer="https://search.example/", sec_fetch_site="cross-site")
    assert not asked(host="127.0.0.1:8787", referer="http://[", sec_fetch_site="same-origin")
    assert not asked(host="127.0.0.1:8787", accept="*/*", authorization="Bearer x", cookie="a=b")


def test_trusted_proxies() -> None:
    proxies = TrustedProxies(["127.0.0.1", "10.1.0.0/16", "2001:db8::/32"])
    for inside in (("127.0.0.1", 1), ("10.1.2.3", 1), ("::ffff:10.1.2.3", 1), ("2001:db8::7", 1)):
        assert inside in proxies
    for outside in (("127.0.0.2", 1), ("10.2.0.1", 1), None, ("", 0), ("nonsense", 1), Peer.of(0, ())):
        assert outside not in proxies
    assert Peer.of(5, ()) in TrustedProxies(["unix"])
    assert None in TrustedProxies(["unix"])
    assert ("127.0.0.1", 1) not in TrustedProxies(["unix"])
    assert None not in TrustedProxies()
    for wrong in ("", "proxy.example", "10.0.0.0/33", "unix:/x"):
        with pytest.raises(ValueError, match="not the address of a proxy"):
            TrustedProxies([wrong])


@pytest.mark.parametrize(
    ("told", "scheme", "found"),
    [
        ([], None, ("127.0.0.1", 1)), (["203.0.113.9"], "https", ("203.0.113.9", 0)),
        (["198.51.100.1, 203.0.113.9"], "http", ("203.0.113.9", 0)), (["198.51.100.1", "203.0.113.9"], None, ("203.0.113.9", 0)),
        (["198.51.100.1, 10.1.0.9"], None, ("198.51.100.1", 0)), (["evil, 10.1.0.9"], None, ("10.1.0.9", 0)),
        (["[2001:db8:1::7]"], None, ("2001:db8:1::7", 0)), (["unknown"], "gopher", ("127.0.0.1", 1)),
        (["203.0.113.9, nonsense"], "https, http", ("127.0.0.1", 1)),
    ],
)  # fmt: skip
def test_what_a_trusted_proxy_tells(told: list[str], scheme: str | None, found: Any) -> None:
    headers = {b"x-forwarded-for": [line.encode() for line in told]}
    if scheme is not None:
        headers[b"x-forwarded-proto"] = [scheme.encode()]
    proxies = TrustedProxies(["127.0.0.1", "10.1.0.0/16"])
    for kind, plain, secure in (("http", "http", "https"), ("websocket", "ws", "wss")):
        scope = proxies.unwrap({"type": kind, "scheme": plain, "client": ("127.0.0.1", 1)}, headers)
        assert scope["client"] == found
        assert scope["scheme"] == (secure if scheme == "https" else plain)


def test_peers_of_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert is_ours(Peer.of(0, ()))
    assert is_ours(Peer.of(1000, ()))
    assert not is_ours(Peer.of(1001, {1000}))
    assert is_ours(Peer.of(1001, {4, 27}), 27)
    assert not is_ours(Peer.of(1001, {4}), 27)
    assert not is_local(Peer.of(0, ()))
    assert not is_local(("unix user 0", 0))


async def test_only_the_kernel_makes_a_peer() -> None:
    """What X-Forwarded-For says ends up in the scope under some servers; it must not look like root on a socket."""
    app = application()
    for peer in (("unix user 0", 0), ("unix:0", 0), None, ("", 0)):
        async with client(app, client=peer) as web:
            assert (await web.get("/v1/schema")).status_code == 403
    async with client(app, client=Peer.of(0, ())) as web:
        assert (await web.get("/v1/schema")).status_code == 200
        assert (await web.get("/v1/schema", headers={"via": "1.1 x"})).status_code == 403
    async with client(app, client=Peer.of(12345, ())) as web:
        answer = await web.get("/v1/schema")
        assert answer.status_code == 403
        assert "another user" in answer.json()["error"]
    await app.hub.stop()


async def test_an_application_decides() -> None:
    seen: list[Any] = []

    def sync(scope: Any) -> bool:
        seen.append(scope["path"])
        return (b"host", b"yes.example") in scope["headers"]

    async def later(scope: Any) -> bool:
        return sync(scope)

    async def broken(scope: Any) -> bool:
        raise KeyError("x")

    for auth in (sync, later):
        app = application(auth=auth, hosts=["yes.example", "no.example"])
        for peer in (("127.0.0.1", 1), ("203.0.113.9", 1), None):
            async with client(app, client=peer) as web:
                for path in ("/v1/schema", "/", "/v1/login"):
                    no = await web.get(path, headers={"host": "no.example"})
                    assert no.status_code == 403, path
                    assert (await web.get(path, headers={"host": "yes.example"})).status_code != 403
        await app.hub.stop()
    assert {"/v1/schema", "/", "/v1/login"} == set(seen)
    app = application(auth=broken)
    async with client(app) as web:
        with pytest.raises(KeyError):
            await web.get("/v1/schema")


async def test_names_may_be_one_text() -> None:
    app = application(hosts="pulse.example", origins="https://grafana.example", token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    async with client(app) as web:
        for host, status in (("pulse.example", 200), ("p", 403), ("e", 403), ("ulse.example", 403)):
            assert (await web.get("/v1/schema", headers={"host": host, **bearer})).status_code == status
        for origin, status in (("https://grafana.example", 200), ("h", 403), ("https://g", 403)):
            assert (await web.get("/v1/schema", headers={"origin": origin, **bearer})).status_code == status
    await app.hub.stop()


def test_what_excludes_each_other() -> None:
    for options in ({"token": TOKEN, "public": True}, {"token": TOKEN, "auth": bool}, {"auth": bool, "public": True}):
        with pytest.raises(ValueError, match="token"):
            application(**options)
    assert "a token" in str(Access(tokens=Tokens.of(TOKEN)))
    assert not Access().protected
