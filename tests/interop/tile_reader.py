#!/usr/bin/env python3
"""Reads a tiled log over HTTP and recomputes its root, from nothing but the texts of C2SP and two RFCs.

    tile_reader.py URL ORIGIN VKEY

Knows c2sp.org/tlog-tiles, tlog-checkpoint, signed-note, RFC 6962 section 2.1 and RFC 8032 section 5.1; shares no line with
the program that wrote the log, and needs Python 3.9 and nothing else. Ends 0 and prints size, root and the number of tiles
if the checkpoint's signature holds, the level-0 tiles hash to its root, and every tile above is what those below it make.
Ends 1 and says what does not hold.
"""

import base64
import hashlib
import sys
import urllib.error
import urllib.request

WIDTH = 256  # hashes of a full tile (tlog-tiles, "Merkle Tree")
HASH = 32  # octets of SHA-256
MAX_CHECKPOINT = 64 * 1024  # octets; sixteen long signatures fit


class Refused(Exception):
    """Something does not hold."""


# ---- RFC 8032, section 5.1: Ed25519, written for reading, not for speed

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    """The complete addition of the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2."""
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
    )


def times(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def decode_point(octets):
    """Section 5.1.3."""
    number = int.from_bytes(octets, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        raise Refused("a point that is not reduced")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        raise Refused("octets that are no point")
    return (P - x if x & 1 != sign else x, y)


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_holds(key, message, signature):
    """Section 5.1.7."""
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return times(s, BASE) == add(decode_point(signature[:32]), times(k, decode_point(key)))


def check_ed25519():
    """Section 7.1, test 2; a verifier that says yes to everything would be of no use."""
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    if not ed25519_holds(key, b"\x72", signature) or ed25519_holds(key, b"\x73", signature):
        raise Refused("this reader's own Ed25519 is wrong")


# ---- signed-note, tlog-checkpoint


def parse_vkey(text):
    """<name>+<key id, 8 hex>+<base64 of type octet and key>."""
    name, key_id, key = text.split("+", 2)
    octets = base64.b64decode(key, validate=True)
    if len(octets) != 33 or octets[0] != 1:
        raise Refused("the verifier key is not Ed25519")
    made = hashlib.sha256(name.encode() + b"\n" + octets).digest()[:4]
    if made.hex() != key_id:
        raise Refused(f"the verifier key's id is {key_id}, its octets make {made.hex()}")
    return name, made, octets[1:]


def open_checkpoint(note, origin, vkey):
    """Size and root of a checkpoint whose signature by vkey holds."""
    name, key_id, key = parse_vkey(vkey)
    text = note.decode("utf-8")
    if any(ord(character) < 32 and character != "\n" for character in text):
        raise Refused("the checkpoint has control characters")
    at = text.rfind("\n\n")
    if at < 0 or not text.endswith("\n"):
        raise Refused("the checkpoint is no signed note")
    body, signatures = text[: at + 1], text[at + 2 :].splitlines()
    verified = False
    for line in signatures:
        dash, signer, blob = line.split(" ")
        octets = base64.b64decode(blob, validate=True)
        if dash != "\u2014":
            raise Refused("a signature line that is none")
        if signer != name or octets[:4] != key_id:
            continue  # of somebody unknown: ignored
        if not ed25519_holds(key, body.encode(), octets[4:]):
            raise Refused("the log's signature does not hold")
        verified = True
    if not verified:
        raise Refused("the log has not signed the checkpoint")
    lines = body.split("\n")
    if lines[0] != origin:
        raise Refused(f"the origin is {lines[0]!r}, not {origin!r}")
    if lines[1] != str(int(lines[1])):
        raise Refused(f"a size that is none: {lines[1]!r}")
    root = base64.b64decode(lines[2], validate=True)
    if len(root) != HASH:
        raise Refused("a root that is no SHA-256")
    return int(lines[1]), root


# ---- RFC 6962, section 2.1


def tree_hash(hashes):
    """MTH of a list of leaf hashes, or of the roots of full subtrees of one size, by the recursion of section 2.1."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(hashes[:split]) + tree_hash(hashes[split:])).digest()


# ---- tlog-tiles


def tile_path(level, index, width):
    elements = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        elements.insert(0, f"x{index % 1000:03}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{level}/{'/'.join(elements)}{partial}"


def fetch(url, limit):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            octets = answer.read(limit + 1)
    except (urllib.error.URLError, OSError) as error:
        raise Refused(f"{url}: {error}") from error
    if len(octets) > limit:
        raise Refused(f"{url}: more than {limit} octets")
    return octets


def fetch_level(prefix, level, count):
    """The hashes of one level, of a tree that has `count` of them, in tiles."""
    tiles = []
    for index in range((count + WIDTH - 1) // WIDTH):
        width = min(WIDTH, count - index * WIDTH)
        path = tile_path(level, index, width)
        try:
            octets = fetch(f"{prefix}/{path}", WIDTH * HASH)
        except Refused:
            if width == WIDTH:
                raise
            # "MAY fetch the full tile [...] in case the partial tile is not available anymore": the log has grown since.
            octets = fetch(f"{prefix}/{tile_path(level, index, WIDTH)}", WIDTH * HASH)[: width * HASH]
        if len(octets) != width * HASH:
            raise Refused(f"{path}: {len(octets)} octets, {width * HASH} are needed")
        tiles.append([octets[at : at + HASH] for at in range(0, len(octets), HASH)])
    return tiles


def read_log(prefix, origin, vkey):
    size, root = open_checkpoint(fetch(f"{prefix}/checkpoint", MAX_CHECKPOINT), origin, vkey)
    read, level, below, count = 0, 0, [], size
    while count:
        tiles = fetch_level(prefix, level, count)
        read += len(tiles)
        hashes = [one for tile in tiles for one in tile]
        if level == 0:
            made = tree_hash(hashes)
            if made != root:
                raise Refused(f"the leaf hashes make the root {made.hex()}, the checkpoint says {root.hex()}")
        # "each hash in a tile is the Merkle Tree Hash of a full tile at the level below"
        for index, one in enumerate(hashes if level else []):
            if one != tree_hash(below[index]):
                raise Refused(f"hash {index} of level {level} is not that of its tile below")
        below, count, level = tiles, count // WIDTH, level + 1
    if size == 0 and root != tree_hash([]):
        raise Refused("the root of an empty log is not that of nothing")
    return size, root, read, level


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    url, origin, vkey = arguments
    try:
        check_ed25519()
        size, root, tiles, levels = read_log(url.rstrip("/"), origin, vkey)
    except (Refused, ValueError, IndexError) as error:
        print(f"tile_reader: {error}", file=sys.stderr)
        return 1
    print(f"size {size}, root {root.hex()}, {tiles} tiles on {levels} levels")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
