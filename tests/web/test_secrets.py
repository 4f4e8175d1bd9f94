"""Secrets of an address: never on stdout or stderr, and in no file of the home, however the address is spelt."""

import pytest
from web.server import TEXT, File

PASSWORD, TOKEN = "PASSWORD", "TOKEN"
HOST = "127.0.0.1:1"  # where nobody listens
SPELLINGS = [
    "https://me:PASSWORD@127.0.0.1:99999/?token=TOKEN",
    f"https://me:PASSWORD@{HOST}/x?token=TOKEN",
    f"https:/me:PASSWORD@{HOST}/x?token=TOKEN",
    f"https:me:PASSWORD@{HOST}/x?token=TOKEN",
    f"https:///me:PASSWORD@{HOST}/x?token=TOKEN",
    f"HTTPS://me:PASSWORD@{HOST}/x;token=TOKEN",
    f"https:\\\\me:PASSWORD@{HOST}\\x?token=TOKEN",
    f"http://me:PASSWORD@{HOST}/x#TOKEN",
    f"http://me:PASSWORD@{HOST}/x;token=TOKEN",
    f"http://PASSWORD@{HOST}/x&token=TOKEN",
    f"http://me:PASS:PASSWORD@{HOST}/x%3Ftoken=TOKEN",
    f"https://me:PASS/PASSWORD@{HOST}/x?token=TOKEN",
    f"https://me:p PASSWORD@{HOST}/x?a b=TOKEN",
    f"https://me:p'PASSWORD@{HOST}/x?a='TOKEN'",
    f"https://me:p@PASSWORD@[{HOST}/x?token=TOKEN",
    "https://me:PASSWORD",
    "https://me:PASSWORD/x?token=TOKEN",
    "https://me:PASSWORD@[::1/x?token=TOKEN",
    f"http://me:PASSWORD\N{SNOWMAN}@{HOST}/x?token=TOKEN\udcff",
    f"ftp://me:PASSWORD@{HOST}/x?token=TOKEN",
    "s3://key:PASSWORD@bucket/x?X-Signature=TOKEN",
    f"git+https://me:PASSWORD@{HOST}/x?token=TOKEN",
    f"git+ssh://me:PASSWORD@{HOST}/x;token=TOKEN",
    f"//me:PASSWORD@{HOST}/x?token=TOKEN",
    f"https://{HOST}/https://me:PASSWORD@{HOST}/x?token=TOKEN",
    f"https://{HOST}/me:PASSWORD@{HOST}/x?token=TOKEN",
]
SOURCES = [f"me:PASSWORD@{HOST}/x?token=TOKEN", "example.org/x?token=TOKEN"]


def secrets_in(*texts: str) -> list[str]:
    return [secret for secret in (PASSWORD, TOKEN) for text in texts if secret in text]


def secrets_in_files(home) -> list[str]:
    if not home.path.exists():
        return []
    files = [path for path in home.path.rglob("*") if path.is_file()]
    return secrets_in(*map(str, files), *(path.read_bytes().decode("latin-1") for path in files))


@pytest.mark.parametrize("address", [*SPELLINGS, *SOURCES], ids=range(len(SPELLINGS + SOURCES)))
def test_a_fetch_shows_and_keeps_no_secret(zoo, home, address):
    outcome = zoo("fetch", "mine", "--from", address)
    assert outcome.code in (2, 3, 4, 7, 9), outcome
    assert outcome.err.count("zoo: error:") == 1
    assert not secrets_in(outcome.out, outcome.err), outcome.err
    assert not secrets_in_files(home)


COMMANDS = [
    ["fetch", "ADDRESS"],
    ["fetch", "one", "two", "--from=ADDRESS"],
    ["fetch", "mine", "--split=ADDRESS"],
    ["datasets", "ADDRESS"],
    ["train", "--dataset", "ADDRESS"],
    ["train", "--dataset", "pydoc", "--init", "ADDRESS"],
    ["train", "ADDRESS"],
    ["show", "ADDRESS"],
    ["list", "ADDRESS"],
    ["compare", "ADDRESS", "ADDRESS"],
    ["generate", "ADDRESS"],
    ["who", "ADDRESS"],
    ["eval", "shakespeare-nano", "--on", "ADDRESS"],
    ["surprise", "shakespeare-nano", "ADDRESS"],
    ["generate", "shakespeare-nano", "--file", "ADDRESS"],
    ["ADDRESS"],
    ["--home", "ADDRESS", "list"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_other_command_shows_the_secret_of_an_address(zoo, home, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    for address in (SPELLINGS[0], SPELLINGS[2], SPELLINGS[5], *SPELLINGS[-6:]):
        outcome = zoo(*(word.replace("ADDRESS", address) for word in words))
        assert not secrets_in(outcome.out, outcome.err), outcome
        assert not secrets_in_files(home)


@pytest.mark.parametrize("ending", [";token=TOKEN", "&token=TOKEN", "%3Ftoken=TOKEN", "#TOKEN", "?a=1;token=TOKEN"])
def test_what_is_fetched_keeps_no_secret(zoo, home, server, ending):
    for path in ("/x.txt", f"/x.txt{ending.partition('?')[0]}"):
        server.pages[path] = File(TEXT)
    address = server.url(f"/x.txt{ending}").replace("://", "://me:PASSWORD@")
    outcome = zoo("fetch", "mine", "--from", address)
    assert outcome.code == 0, outcome.err
    shown = [zoo("datasets", "mine", *options) for options in ([], ["--json"], ["--documents"])]
    assert not secrets_in(outcome.err, *(part for one in shown for part in (one.out, one.err)))
    assert not secrets_in_files(home)
    assert "your own: x.txt" in shown[0].out


def test_a_plugin_shows_no_secret(zoo, home, tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "zoo_stranger-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nstranger = a_stranger_with_secrets\n")
    (site / "a_stranger_with_secrets.py").write_text(
        f"""
from zoo import Dataset, Document, Note, Progress, Skipped, hookimpl
ADDRESS = "s3://key:PASSWORD@bucket/x?X-Signature=TOKEN"
@hookimpl
def zoo_datasets():
    return [Dataset(name="secrets", source=ADDRESS, summary="of " + ADDRESS, licence=ADDRESS, instructions=ADDRESS)]
@hookimpl
def zoo_open(source, options):
    if source != ADDRESS:
        return None
    options.on_event(Note("opening " + source))
    options.on_event(Progress("reading " + source, 7, 7))
    options.on_event(Skipped(source, "cannot read " + source))
    return iter([Document(source, {TEXT.decode()!r})])
"""
    )
    monkeypatch.syspath_prepend(site)
    outcomes = [zoo("datasets", "secrets"), zoo("datasets", "secrets", "--json"), zoo("fetch", "secrets")]
    outcomes += [zoo("datasets", "secrets", *options) for options in ([], ["--json"], ["--documents"])]
    assert all(outcome.code == 0 for outcome in outcomes), outcomes
    assert not secrets_in(*(part for one in outcomes for part in (one.out, one.err)))
    assert not secrets_in_files(home)
