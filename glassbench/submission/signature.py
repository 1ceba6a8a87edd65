"""Signatures of maintainers: Ed25519 over everything that a verified record says.

Source: RFC 8032, as the library `cryptography` implements it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..contract.checked import read_toml
from ..contract.errors import UserError
from ..home.files import read_plain_file
from ..home.workspace import Workspace, content_folder
from ..record.record import canonical_json

TRUSTED_FILE = "maintainers.toml"
TRUST_IT = "the line that `glassbench record key` prints goes into leaderboard/maintainers.toml"
KEY_FILE = "maintainer.pem"
PUBLIC_BYTES = 32


class SignatureError(UserError):
    """A key cannot be used, or a signature does not hold."""


def key_path(workspace: Workspace) -> Path:
    """Return where the maintainer's private key lies by default."""
    return workspace.home / "keys" / KEY_FILE


def make_key(path: Path) -> str:
    """Make a private key that its owner alone can read, and return the public key in base64.

    A key that is there already stays: one that is lost cannot be made again.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise SignatureError(f"{path} holds a key already: name another place") from None
    path.write_bytes(pem)
    return public_key(key)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file: an Ed25519 key without a password."""
    try:
        key = form.load_pem_private_key(read_plain_file(path, links=True), password=None)
    except FileNotFoundError:
        why = f"there is no key at {path}: `glassbench record key` makes one"
        raise SignatureError(why) from None
    except OSError as error:
        raise SignatureError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(f"{path} holds no private key: {str(error).split('. ')[0]}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"{path} holds another kind of key: an Ed25519 key is wanted")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    """Return the public key of a private one, 32 bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def trusted_keys(path: Path | None = None) -> dict[str, str]:
    """Return the maintainers' public keys by name, those of the leaderboard unless given."""
    path = path or content_folder("leaderboard") / TRUSTED_FILE
    keys = read_toml(path, SignatureError).get("keys", {})
    if not isinstance(keys, dict):
        raise SignatureError(f"{path}: `keys` is no table of names and public keys")
    for name, text in keys.items():
        _public_bytes(text, f"{path}: key `{name}`")
    return keys


def sign_record(record: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the record with key and signature in its `verification`."""
    verification = dict(record["verification"]) | {"public_key": public_key(key), "signature": ""}
    signed = dict(record) | {"verification": verification}
    signature = base64.b64encode(key.sign(signed_bytes(signed))).decode()
    return signed | {"verification": verification | {"signature": signature}}


def verify(record: Mapping[str, Any], trusted: Mapping[str, str]) -> str:
    """Return the name of the maintainer whose signature holds for every word of the record."""
    verification = record.get("verification")
    if verification is None:
        raise SignatureError("the record carries no signature: nobody has verified it")
    name, key = verification["by"], verification["public_key"]
    if trusted.get(name) != key:
        known = ", ".join(sorted(trusted)) or "none"
        raise SignatureError(
            f"the record is signed by `{name}` with a key that is not trusted; trusted are: {known}"
            f"; {TRUST_IT}"
        )
    try:
        signature = base64.b64decode(verification["signature"], validate=True)
        public = Ed25519PublicKey.from_public_bytes(_public_bytes(key, "the key of the record"))
        public.verify(signature, signed_bytes(record))
        if base64.b64encode(signature).decode() != verification["signature"]:
            raise ValueError("the last letter has bits that mean nothing")
    except (InvalidSignature, binascii.Error, ValueError):
        raise SignatureError(
            "the signature does not hold: the record was altered after it was signed"
        ) from None
    return name


def is_signed(record: Mapping[str, Any], trusted: Mapping[str, str]) -> bool:
    """Return whether a maintainer's signature holds for the record."""
    try:
        return bool(verify(record, trusted))
    except SignatureError:
        return False


def signed_bytes(record: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of a record without its signature and its place on the board."""
    plain = {name: value for name, value in record.items() if name != "supersedes"}
    plain["verification"] = {**record["verification"], "signature": ""}
    return canonical_json(plain)


def _public_bytes(text: object, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error:
        data = b""
    if len(data) != PUBLIC_BYTES:
        raise SignatureError(f"{what} is no Ed25519 public key: 32 bytes in base64 are wanted")
    return data
