"""Keys and signatures."""

from __future__ import annotations

import base64
import stat

import pytest

from glassbench.submission.signature import (
    SignatureError,
    load_key,
    make_key,
    public_key,
    sign_record,
    signed_bytes,
    trusted_keys,
    verify,
)

RECORD = {"a": 1.5, "verification": {"by": "tester", "public_key": "", "signature": ""}}


def test_a_key_is_its_owners_alone_and_is_not_overwritten(tmp_path):
    path = tmp_path / "keys" / "key.pem"
    public = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key(load_key(path)) == public
    with pytest.raises(SignatureError, match="holds a key already"):
        make_key(path)


def test_a_signature_is_that_of_the_published_algorithm(key):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed = sign_record(RECORD, key)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(key)))
    public.verify(base64.b64decode(signed["verification"]["signature"]), signed_bytes(signed))
    assert verify(signed, {"tester": public_key(key)}) == "tester"
    assert verify(signed | {"supersedes": "x"}, {"tester": public_key(key)}) == "tester"


def other_spelling(record):
    """Return a record whose signature is spelt with bits that mean nothing."""
    text = record["verification"]["signature"]
    other = f"{text[:-3]}{chr(ord(text[-3]) + 1)}=="
    assert base64.b64decode(text) == base64.b64decode(other, validate=True)
    return record | {"verification": record["verification"] | {"signature": other}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_spelling, "altered"),
        (lambda r: r | {"a": 1.25}, "altered"),
        (lambda r: r | {"b": 1}, "altered"),
        (lambda r: r | {"verification": r["verification"] | {"by": "other"}}, "not trusted"),
        (lambda r: r | {"verification": r["verification"] | {"signature": "?"}}, "altered"),
        (lambda r: {"a": 1.5}, "nobody has verified"),
    ],
)
def test_what_was_not_signed_is_refused(change, message, key):
    signed = sign_record(RECORD, key)
    with pytest.raises(SignatureError, match=message):
        verify(change(signed), {"tester": public_key(key)})


def test_a_strangers_key_under_a_maintainers_name_is_refused(key, tmp_path):
    make_key(tmp_path / "stranger.pem")
    signed = sign_record(RECORD, load_key(tmp_path / "stranger.pem"))
    with pytest.raises(SignatureError, match="not trusted.*goes into leaderboard.maintainers.toml"):
        verify(signed, {"tester": public_key(key)})


@pytest.mark.parametrize("text", ["[keys]\na = 3", "[keys]\na = 'x'", "[keys", "\x00"])
def test_a_file_of_wrong_keys_is_named(text, tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(SignatureError, match=r"keys\.toml"):
        trusted_keys(path)


def test_the_shipped_file_of_keys_is_read():
    assert isinstance(trusted_keys(), dict)
