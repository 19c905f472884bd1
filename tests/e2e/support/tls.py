"""HTTPS in front of a backend, with authorities and certificates made on the spot."""

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import threading
import urllib.parse
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Signs certificates; `file` is its own, in PEM."""

    def __init__(self, folder, name="authority"):
        self.folder = Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        own = _signed(self.name, self.key, self, x509.BasicConstraints(ca=True, path_length=None), days=1)
        self.file = self.folder / f"{name}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def certificate(self, *names, days=1):
        """A file with a certificate for the names, and its key. It has expired when `days` is negative."""
        return _certificate(self.folder, names, self, days)


def self_signed(folder, *names):
    """A file with a certificate for the names that nobody vouches for, and its key."""
    return _certificate(Path(folder), names, None, days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _signed(subject, key, by, extension, days):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(by.name if by else subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=10)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(extension, critical=False).sign(by.key if by else key, hashes.SHA256()))


def _certificate(folder, names, by, days):
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
    made = _signed(_name(names[0]), key, by, x509.SubjectAlternativeName(alternatives), days)
    file = folder / f"certificate-{made.serial_number}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM)
                     + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return file


@contextlib.contextmanager
def https_front(url, certificate, old=False, cleartext_too=False):
    """Yields the port at which TLS is spoken for the backend at `url`: wrongly when `old`, which takes TLS 1.0 and 1.1, or
    `cleartext_too`, which takes whatever comes."""
    backend = urllib.parse.urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that is what it is for
            context.minimum_version = ssl.TLSVersion.TLSv1

    def opened(accepted):
        if cleartext_too and accepted.recv(1, socket.MSG_PEEK) != b"\x16":
            return accepted
        return context.wrap_socket(accepted, server_side=True)

    def serve(accepted):
        with contextlib.suppress(OSError), opened(accepted) as here, \
                socket.create_connection((backend.hostname, backend.port)) as there:
            other = {here: there, there: here}
            while True:
                ready = [here] if isinstance(here, ssl.SSLSocket) and here.pending() else select.select([here, there], [], [])[0]
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    other[one].sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
