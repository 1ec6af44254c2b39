"""An agent in Python whose identity comes from py-spiffe, unmodified: it calls another agent over mTLS, again and again, while its certificate is
renewed under it. Knows py-spiffe, the standard library's ssl, and one line of protocol.

    py_spiffe.py SOCKET HOST:PORT PEER ROTATIONS SECONDS

Ends 0 when it has called with ROTATIONS + 1 different certificates and no call failed; says so as one line of JSON. Each certificate was used for at
least one call. Ends 1 at the first call that fails, and when SECONDS are over.
"""

import json
import pathlib
import socket
import ssl
import sys
import tempfile
import time

from cryptography.hazmat.primitives.serialization import Encoding
from spiffe import SpiffeId, X509Source


def main() -> int:
    path, address, peer, rotations, seconds = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    until = time.monotonic() + float(seconds)
    serials: list[str] = []
    calls = 0
    # Python's ssl takes keys from files alone; these are in memory.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as files, X509Source(
        socket_path=f"unix://{path}", timeout_in_seconds=30
    ) as source:
        while time.monotonic() < until:
            context = source.get_x509_context()
            svid = context.default_svid
            serial = f"{svid.leaf.serial_number:032x}"
            if serial not in serials:
                serials.append(serial)
            bundle = context.x509_bundle_set.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
            tls = client_context(svid, bundle, pathlib.Path(files))
            answer = call(tls, host, int(port), SpiffeId(peer))
            if answer != f"hello {svid.spiffe_id}\n":
                raise RuntimeError(f"call {calls + 1} with certificate {serial}: {answer!r}")
            calls += 1
            if len(serials) > int(rotations):
                print(json.dumps({"id": str(svid.spiffe_id), "calls": calls, "serials": serials}))
                return 0
            time.sleep(0.05)
    print(f"{len(serials)} certificates and {calls} calls in {seconds} s", file=sys.stderr)
    return 1


def client_context(svid, bundle, files: pathlib.Path) -> ssl.SSLContext:
    svid.save(files / "chain.pem", files / "key.pem", Encoding.PEM)
    roots = "".join(root.public_bytes(Encoding.PEM).decode() for root in bundle.x509_authorities)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A peer is known by its SPIFFE id, below; the chain is checked as ever.
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=roots)
    tls.load_cert_chain(files / "chain.pem", files / "key.pem")
    return tls


def call(tls: ssl.SSLContext, host: str, port: int, peer: SpiffeId) -> str:
    with socket.create_connection((host, port), timeout=10) as plain, tls.wrap_socket(plain) as stream:
        names = stream.getpeercert()["subjectAltName"]
        if names != (("URI", str(peer)),):
            raise RuntimeError(f"the peer is {names}, not {peer}")
        stream.sendall(b"hello\n")
        with stream.makefile() as lines:
            return lines.readline()


if __name__ == "__main__":
    sys.exit(main())
