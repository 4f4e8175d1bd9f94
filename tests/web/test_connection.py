"""Connections: where one may go, who is asked again, whom one believes, and what is never shown."""

import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64decode

import pytest
from web.server import TEXT, Answer, File, Server, cut, drop, moved, nothing_kept, says, serving, trickle

from zoo.errors import NetworkProblem, Refused, ZooError
from zoo.web import connection
from zoo.web import download as downloading
from zoo.web.address import Address
from zoo.web.download import download

SECRET = "s3cret"


# --- addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "http://127.0.0.1.example.org/x",
        "http://localhost@example.org/x",
        "ftp://a.org/x",
        "http://10.0.0.1/x",
        "http:///x",
        "file:///etc/passwd",
    ],
)
def test_anything_but_https_is_refused(path, url):
    with pytest.raises(Refused, match="is not https"):
        download(url, path)
    assert nothing_kept(path)


@pytest.mark.parametrize("url", ["https://[::1/x", "https://a.org:99999999/x", "https://１２７.0.0.1/x"])
def test_what_is_no_address_is_a_network_problem(path, url):
    with pytest.raises(NetworkProblem, match="is no address"):
        download(url, path)


def test_the_command_refuses_http(zoo, home):
    outcome = zoo("fetch", "mine", "--from", "http://example.org/text.txt")
    assert outcome.code == 9
    assert "is not https; download it yourself" in outcome.err


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[fe80::1%25eth0]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "%31%32%37.0.0.1",
        "%2531.example.org",
    ],
)
def test_nobody_outside_leads_to_this_machine_or_its_network(host):
    with pytest.raises(Refused, match="which is this machine or its own network"):
        Address("https://example.org/x").next(f"https://{host}/y")


PUBLIC, PRIVATE = ("8.8.8.8", "0808:0808", "f7f7:f7f7"), ("10.0.0.1", "0a00:0001", "f5ff:fffe")
FORMS = {  # by the parts of an IPv4 address: as it is, as two groups, as two inverted groups
    "mapped": "::ffff:{0}",
    "mapped, in groups": "::ffff:{1}",
    "compatible": "::{0}",
    "compatible, in groups": "::{1}",
    "NAT64": "64:ff9b::{0}",
    "NAT64, in groups": "64:ff9b::{1}",
    "6to4": "2002:{1}::1",
    "Teredo": "2001:0:0808:0808:0:0:{2}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_ipv4_address_inside_an_ipv6_address_decides(form):
    inside, outside = (f"https://[{form.format(*parts)}]/y" for parts in (PRIVATE, PUBLIC))
    with pytest.raises(Refused, match="which is this machine or its own network"):
        Address("https://example.org/x").next(inside)
    assert Address("https://example.org/x").next(outside)
    with pytest.raises(Refused, match="which is this machine or its own network"):
        Address(outside).next("https://127.0.0.1/y")
    assert Address(inside).next("https://127.0.0.1/y")


@pytest.mark.parametrize(
    ("host", "is_inside"),
    [
        ("[::127.0.0.1]", True),
        ("[64:ff9b::127.0.0.1]", True),
        ("[64:ff9b::100.64.0.1]", True),
        ("[64:ff9b:1::8.8.8.8]", True),
        ("[2002:7f00:1::]", True),
        ("[2002:a9fe:a9fe::]", True),
        ("[2002:e000:1::]", True),
        ("[2001:0:a00:1:0:0:f7f7:f7f7]", True),
        ("[::ffff:0:8.8.8.8]", True),
        ("[ff02::1]", True),
        ("[ff0e::1]", True),
        ("[fec0::1]", True),
        ("[fc00::1]", True),
        ("[fe80::1]", True),
        ("[2001:db8::1]", True),
        ("[2606:4700::1111]", False),
        ("100.64.0.1", True),
        ("100.127.255.255", True),
        ("100.128.0.1", False),
        ("224.0.0.1", True),
        ("239.255.255.250", True),
        ("240.0.0.1", True),
        ("255.255.255.255", True),
        ("198.18.0.1", True),
        ("8.8.8.8", False),
        ("example.org", False),
    ],
)
def test_what_counts_as_inside(host, is_inside):
    assert Address(f"https://{host}/x").is_inside == is_inside


def test_who_is_inside_may_stay_there():
    assert str(Address("https://10.0.0.1/x").next("https://10.0.0.2/y")) == "https://10.0.0.2/y"
    assert str(Address("http://localhost:1/x").next("http://127.0.0.1:2/y")) == "http://127.0.0.1:2/y"
    assert str(Address("http://localhost:1/x").next("https://example.org/y")) == "https://example.org/y"


@pytest.mark.parametrize("location", ["http://example.org/y", "http://[::1]/y", "ftp://example.org/y", "data:,x"])
def test_https_stays_https(location):
    with pytest.raises(Refused, match="which is"):
        Address("https://example.org/x").next(location)
    with pytest.raises(Refused, match="not https"):
        Address("https://localhost/x").next("http://localhost/y")


def test_a_server_cannot_lead_to_where_one_may_not_go(server, path):
    server.pages["/moved.txt"] = moved("http://nowhere.invalid/text.txt")
    with pytest.raises(Refused, match="not https"):
        download(server.url("/moved.txt"), path)
    assert nothing_kept(path)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_page_that_moved_on_the_same_server_is_followed(server, path, status):
    server.pages["/moved.txt"] = Answer(status, {"Location": "text.txt", "Content-Length": "0"})
    assert download(server.url("/moved.txt"), path).read_bytes() == TEXT


def test_pages_that_lead_in_a_circle_are_a_network_problem(server, path):
    server.pages["/a"], server.pages["/b"] = moved("/b"), moved("/a")
    with pytest.raises(NetworkProblem, match="redirects again and again"):
        download(server.url("/a"), path)
    assert len(server.asked) == connection.REDIRECTS + 1


@pytest.mark.parametrize("location", ["http://[::1", "http://a:b:c/", "//a.org:x/"])
def test_a_redirect_to_nowhere_is_a_network_problem(server, path, location):
    server.pages["/moved.txt"] = moved(location)
    with pytest.raises(NetworkProblem, match="it redirects to what is no address"):
        download(server.url("/moved.txt"), path)


def test_the_body_of_a_redirect_is_not_read(server, path):
    server.pages["/moved.txt"] = trickle(
        b"HTTP/1.1 302 Found\r\nLocation: /text.txt\r\nContent-Encoding: gzip\r\n\r\n", 0.01
    )
    assert download(server.url("/moved.txt"), path).read_bytes() == TEXT


def test_a_redirect_in_utf_8_is_followed(server, path):
    server.pages["/b%C3%BCcher.txt"] = File(TEXT)
    server.pages["/moved.txt"] = moved("/bücher.txt".encode().decode("latin-1"))
    assert download(server.url("/moved.txt"), path).read_bytes() == TEXT


def test_a_redirect_without_an_address_is_a_network_problem(server, path):
    server.pages["/moved.txt"] = Answer(302, {"Content-Length": "0"})
    with pytest.raises(NetworkProblem, match="the server says 302 Found"):
        download(server.url("/moved.txt"), path)


# --- logins


def with_login(url: str) -> str:
    return url.replace("//", f"//me%40home:{SECRET}@")


@pytest.mark.parametrize(
    "faults", [[], [cut(50)], [says(503)], [drop], [says(404)], [says(503)] * 99, [lambda _: moved("http://a.org/x")]]
)
def test_a_login_is_sent_and_never_shown(server, path, faults):
    server.pages["/text.txt"] = File(TEXT, list(faults))
    said: list = []
    try:
        download(with_login(server.url("/text.txt")) + f"?key={SECRET}", path, on_event=said.append)
    except ZooError as problem:
        said.append(problem)
    assert said
    assert SECRET not in str(said)
    for headers in server.requests:
        assert b64decode(headers["Authorization"].removeprefix("Basic ")) == f"me@home:{SECRET}".encode()


def test_a_login_in_what_is_no_address_is_not_shown(path):
    with pytest.raises(NetworkProblem) as caught:
        download(f"https://me:{SECRET}@[::1/x", path)
    assert SECRET not in str(caught.value)


def test_a_name_of_a_download_is_never_its_login(server, path):
    server.pages["/"] = File(TEXT)
    events: list = []
    download(with_login(server.url("/")), path, on_event=events.append)
    assert events[-1].task == "downloading 127.0.0.1"


def test_a_login_stays_with_the_host_it_was_given_for(server, path):
    with serving() as other:
        other.pages["/text.txt"] = File(TEXT)
        server.pages["/near"] = moved("/far")
        server.pages["/far"] = moved(other.url("/text.txt"))
        download(with_login(server.url("/near")), path)
        assert ["Authorization" in headers for headers in server.requests] == [True, True]
        assert ["Authorization" in headers for headers in other.requests] == [False]


def test_a_redirect_to_an_address_with_a_login_is_refused(server, path):
    server.pages["/moved.txt"] = moved(with_login(server.url("/text.txt")))
    with pytest.raises(Refused, match="with a login in it") as caught:
        download(server.url("/moved.txt"), path)
    assert SECRET not in str(caught.value)
    assert server.asked == ["/moved.txt"]


def test_no_login_is_taken_from_netrc(server, path, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    download(server.url("/text.txt"), path)
    assert "Authorization" not in server.requests[0]


# --- hosts that are not there


def test_a_host_that_does_not_exist_is_a_network_problem_soon(zoo, home):
    begin = time.monotonic()
    outcome = zoo("fetch", "mine", "--from", "https://nowhere.invalid/text.txt")
    assert time.monotonic() - begin < connection.CONNECT_SECONDS + 2
    assert outcome.code == 7
    assert "trying again" not in outcome.err
    assert "ways on: --from with a file you have" in outcome.err
    assert not list(home.corpora.glob("*/*"))


def test_a_closed_port_is_not_tried_again(path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    events: list = []
    with pytest.raises(NetworkProblem, match="no network, or the host cannot be reached"):
        download(f"http://127.0.0.1:{port}/x", path, on_event=events.append)
    assert events == []


def test_a_server_that_never_answers_is_a_network_problem_within_the_deadline(path, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        with pytest.raises(NetworkProblem, match=r"no answer within|does not answer"):
            download(f"http://127.0.0.1:{silent.getsockname()[1]}/x", path)
        assert time.monotonic() - begin < 3
    assert nothing_kept(path)


def test_a_server_that_thinks_before_it_answers_is_waited_for(server, path, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)

    def page(handler):
        handler.server.over.wait(0.6)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext")

    server.pages["/x"] = page
    assert download(server.url("/x"), path).read_bytes() == b"text"


def test_a_server_that_never_ends_its_headers_is_a_network_problem_within_the_deadline(server, path, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.5)

    def page(handler):
        while not handler.server.over.wait(0.05):
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    server.pages["/x"] = page
    begin = time.monotonic()
    with pytest.raises(NetworkProblem, match="no answer within"):
        download(server.url("/x"), path)
    assert time.monotonic() - begin < 3


def test_a_host_that_answered_before_is_asked_again_when_it_is_away(server, path):
    """It is away for the second request and back for the third."""
    elsewhere = Server()
    port = elsewhere.server_port
    elsewhere.pages["/text.txt"] = File(TEXT, [cut(100)])
    events: list = []
    pages = elsewhere.pages

    def away_and_back(event):
        events.append(event)
        if "trying again" in getattr(event, "text", "") and len(server.asked) == 0:
            server.asked.append("away")
            first.__exit__(None, None, None)
        elif "cannot download" in getattr(event, "text", ""):
            back = Server(port)
            back.pages = pages
            second.append(serving(back))
            second[0].__enter__()

    second: list = []
    first = serving(elsewhere)
    first.__enter__()
    download(elsewhere.url("/text.txt"), path, on_event=away_and_back)
    second[0].__exit__(None, None, None)
    assert path.read_bytes() == TEXT
    notes = [event.text for event in events if hasattr(event, "text")]
    assert "broke off after 100 of 230 bytes" in notes[0]
    assert "no network, or the host cannot be reached; trying again" in notes[1]


def test_a_server_that_speaks_no_http_is_a_network_problem(server, path):
    server.pages["/x"] = lambda handler: handler.wfile.write(b"220 mail.example.org\r\n")
    with pytest.raises(NetworkProblem, match="does not keep to the protocol"):
        download(server.url("/x"), path)
    assert len(server.asked) == 1


# --- certificates


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """certified(host, start, end) -> a server for `host` with a certificate valid from `start` to `end` days from now,
    which signs itself and is trusted."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl to make certificates with")
    running = []

    def start(host: str = "localhost", *, days: int = 2, trusted: bool = True):
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        request = tmp_path / "request.pem"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subject = ["req", *kind, "-subj", f"/CN={host}"]
        extensions = tmp_path / "extensions.txt"
        extensions.write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:TRUE\n")
        sign = [*["x509", "-req", "-in"], request, "-signkey", key, "-extfile", extensions, "-out", certificate]
        for words in ([*subject, "-keyout", key, "-out", request], [*sign, "-days", str(days)]):
            subprocess.run([openssl, *words], check=True, capture_output=True)
        if trusted:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = Server()
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.pages["/text.txt"] = File(TEXT)
        running.append(serving(server))
        return running[-1].__enter__()

    yield start
    for one in running:
        one.__exit__(None, None, None)


def https(server: Server, host: str = "localhost") -> str:
    return f"https://{host}:{server.server_port}/text.txt"


def test_a_good_certificate_is_believed_and_a_tls_download_goes_on(certified, path, monkeypatch):
    monkeypatch.setattr(downloading, "BACKOFF_SECONDS", 0.001)
    server = certified()
    server.pages["/text.txt"] = File(TEXT, [cut(100)])
    assert download(https(server), path).read_bytes() == TEXT
    assert server.ranges() == [None, "bytes=100-"]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"days": -1}, "certificate has expired"),
        ({"trusted": False}, "self-signed certificate"),
        ({"host": "example.org"}, "not valid for 'localhost'"),
    ],
)
def test_a_bad_certificate_ends_it_at_once(certified, path, about, said):
    server = certified(**about)
    events: list = []
    with pytest.raises(NetworkProblem, match=f"certificate is not trusted .*{said}"):
        download(https(server), path, on_event=events.append)
    assert (events, server.asked) == ([], [])
    assert nothing_kept(path)


def test_a_host_outside_does_not_lead_inside(certified, server, path, monkeypatch):
    """The name of a host outside is made to lead to our server; what that one asks for is refused."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: look_up("localhost", *rest))
    outside = certified("example.org")
    outside.pages["/text.txt"] = moved(https(outside))
    with pytest.raises(Refused, match="which is this machine or its own network"):
        download(https(outside, "example.org"), path)
    assert outside.asked == ["/text.txt"]


def test_the_deadline_holds_under_tls(certified, path, monkeypatch):
    monkeypatch.setattr(downloading, "DEADLINE_SECONDS", 0.6)
    server = certified()
    server.pages["/text.txt"] = trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0.05)
    begin = time.monotonic()
    with pytest.raises(NetworkProblem, match="is not here within"):
        download(https(server), path)
    assert time.monotonic() - begin < 5
