#!/usr/bin/env python3
"""An independent verifier of a Sotto audit export.

It shares no code with Sotto and was written from the documents alone: RFC 6962 section 2.1 (the tree), RFC 8785 (canonical
JSON), c2sp.org/signed-note and c2sp.org/tlog-checkpoint (the checkpoint), RFC 8032 section 5.1 (Ed25519). Only Python's own
library is needed; where the package `cryptography` is there, it checks signatures as well, and both must agree.

    verify_audit.py EXPORT --key FILE [--checkpoint FILE] [--values FILE]

The key file has one line, a C2SP verifier key. `--checkpoint` is an older signed note that the export must extend. `--values`
is the second file that an entitled auditor is given: each salt and value in it must open its commitment.

Exit codes: 0 verified, 1 something does not fit (it is named), 2 used wrongly, 3 a file cannot be read.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys


class Unfit(Exception):
    """Something does not fit."""


# ---- RFC 8032 section 5.1, verification only ----------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def point_add(p, q):
    """Section 5.1.4, extended homogeneous coordinates."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_times(scalar, p):
    out = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            out = point_add(out, p)
        p = point_add(p, p)
        scalar >>= 1
    return out


def point_of(encoded):
    """Section 5.1.3; None where the bytes are no point."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_fits(public, message, signature):
    """Section 5.1.7, and the same by `cryptography` where it is installed."""
    mine = False
    key, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(public) == 32 and len(signature) == 64 and key and r and s < L:
        k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
        left, right = point_times(s, BASE), point_add(r, point_times(k, key))
        mine = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return mine
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return mine
    except (InvalidSignature, ValueError):
        return False


# ---- c2sp.org/signed-note and c2sp.org/tlog-checkpoint ------------------------------------------------------------


def key_of(text):
    """A verifier key: name, key id, public key."""
    try:
        name, key_id, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise Unfit("the key is no C2SP verifier key") from None
    if len(raw) != 33 or raw[0] != 1:
        raise Unfit("the key is not an Ed25519 key")
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if expected.hex() != key_id:
        raise Unfit("the key's id does not follow from the key")
    return name, expected, raw[1:]


def head_of(note, key):
    """A checkpoint's size and root, where the key signed it."""
    name, key_id, public = key
    text, gap, signatures = note.rpartition("\n\n")
    if not gap:
        raise Unfit("the checkpoint is no signed note")
    text += "\n"
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or parts[1] != name:
            continue
        raw = base64.b64decode(parts[2], validate=True)
        if raw[:4] == key_id:
            if not ed25519_fits(public, text.encode(), raw[4:]):
                raise Unfit("the checkpoint's signature does not fit")
            break
    else:
        raise Unfit("the checkpoint is not signed by this key")
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] != name:
        raise Unfit("the checkpoint is of another log")
    if str(int(lines[1])) != lines[1]:
        raise Unfit("the checkpoint's size is no number")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


# ---- RFC 6962 section 2.1 -----------------------------------------------------------------------------------------


def leaf_hash(line):
    return hashlib.sha256(b"\x00" + line).digest()


class Tree:
    """The hashes of the perfect parts of a growing tree, the largest first, with their sizes."""

    def __init__(self):
        self.parts = []

    def push(self, leaf):
        size = 1
        while self.parts and self.parts[-1][0] == size:
            leaf = hashlib.sha256(b"\x01" + self.parts.pop()[1] + leaf).digest()
            size *= 2
        self.parts.append((size, leaf))

    def root(self):
        if not self.parts:
            return hashlib.sha256(b"").digest()
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root


# ---- RFC 8785, for what a leaf can hold: text, whole numbers, lists, objects, true, false, null -------------------


def canonical(value):
    if isinstance(value, dict):
        # Section 3.2.3: names are ordered by their UTF-16 code units.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        raise Unfit("it has a number that is not whole")
    return json.dumps(value, ensure_ascii=False)


# ---- the export ---------------------------------------------------------------------------------------------------


def changed_of(two, index, line, claimed, following, root):
    """A leaf carries another hash for the one before it: which of the two was changed? The leaf after them knows the hash
    of the second; where there is none after them, the signed root does. `two` has the tree without the first."""
    if following is not None:
        try:
            sound = json.loads(following).get("previous") == leaf_hash(line).hex()
        except (ValueError, AttributeError):
            sound = False
    else:
        for leaf in (bytes.fromhex(claimed), leaf_hash(line)):
            two.push(leaf)
        sound = two.root() == root
    return index - 1 if sound else index


def leaves_of(lines, size, root):
    """Reads the leaves in order; the first that does not fit is named. Yields the tree with each leaf in it."""
    before, last_at, tree, two = None, "", Tree(), Tree()
    for index, line in enumerate(lines):
        if index >= size:
            raise Unfit(f"leaf {index}: it is one too many, {size} leaves were signed")
        try:
            if not line.endswith(b"\n"):
                raise Unfit("its line has no end")
            line = line[:-1]
            leaf = json.loads(line.decode())
            if not isinstance(leaf, dict) or canonical(leaf).encode() != line:
                raise Unfit("it is not canonical JSON")
            if leaf.get("index") != index:
                raise Unfit(f"it has the number {leaf.get('index')}")
        except (Unfit, ValueError) as why:
            raise Unfit(f"leaf {index}: {why}") from None
        claimed = leaf.get("previous")
        if claimed != (before and before.hex()):
            is_hash = isinstance(claimed, str) and len(claimed) == 64 and not set(claimed) - set("0123456789abcdef")
            changed = changed_of(two, index, line, claimed, next(lines, None), root) if is_hash else index
            raise Unfit(f"leaf {max(changed, 0)}: it was changed")
        if leaf["at"] < last_at:
            raise Unfit(f"leaf {index}: its time is before the last one's")
        two.parts = list(tree.parts)
        before, last_at = leaf_hash(line), leaf["at"]
        tree.push(before)
        yield tree, leaf


def verify(export, key, older, openings):
    header = json.loads(export.readline(1 << 20).decode())
    size, root = head_of(header["checkpoint"], key_of(key))
    if header["public_key"] != key.strip() or header["origin"] != key.split("+")[0]:
        raise Unfit("the first line names another key")
    if header["size"] != size or header["root"] != root.hex():
        raise Unfit("the first line does not say what its checkpoint signed")
    older_size, older_root = head_of(older, key_of(key)) if older else (0, Tree().root())
    if older_size > size:
        raise Unfit(f"leaf {size}: it is missing, the older checkpoint signed {older_size} leaves")

    tree, count = Tree(), 0
    for tree, leaf in leaves_of(iter(export), size, root):
        count += 1
        if count == older_size and tree.root() != older_root:
            raise Unfit(f"leaf {count - 1}: up to here they are not the leaves that the older checkpoint signed")
        for field, salt, value in openings.pop(leaf["index"], []):
            if hashlib.sha256(salt + value.encode()).hexdigest() != leaf.get(field):
                raise Unfit(f"leaf {leaf['index']}: its {field} is not the one in the values")
    if count < size:
        raise Unfit(f"leaf {count}: it is missing, {size} leaves were signed")
    if tree.root() != root:
        raise Unfit(f"leaf {max(size - 1, 0)}: with it the root is not the one that was signed")
    if openings:
        raise Unfit(f"leaf {min(openings)}: the values name it, and it is not there")
    return size, root


def openings_of(path):
    openings = {}
    if path:
        with open(path, encoding="utf-8") as values:
            for line in values:
                opening = json.loads(line)
                entry = (opening["field"], bytes.fromhex(opening["salt"]), opening["value"])
                openings.setdefault(opening["index"], []).append(entry)
    return openings


def main():
    parser = argparse.ArgumentParser(description="Verifies a Sotto audit export, independently of Sotto.")
    parser.add_argument("export")
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoint")
    parser.add_argument("--values")
    asked = parser.parse_args()
    try:
        key = open(asked.key, encoding="utf-8").read()
        older = open(asked.checkpoint, encoding="utf-8").read() if asked.checkpoint else None
        with open(asked.export, "rb") as export:
            size, root = verify(export, key, older, openings_of(asked.values))
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 3
    except (Unfit, KeyError, TypeError, ValueError) as why:
        print(f"does not fit: {why}")
        return 1
    print(f"verified {size} leaves, root {root.hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
