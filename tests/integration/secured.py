"""A broker that only speaks TLS: to those with a name and a password (SASL), and to those with a certificate."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confluent_kafka import KafkaException
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from foldlog.connectors.embedded import EmbeddedKafka
from foldlog.connectors.embedded._ports import free_port
from foldlog.transport.clients import open_admin
from foldlog.transport.config import KafkaConfig

USER, PASSWORD = "ann", "it's; a=secret"
OTHER_USER, OTHER_PASSWORD = "ben", "another secret"
_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class Certificates:
    """An authority of a test's own, and what it has signed, as PEM."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("foldlog test authority")
        builder = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        self.broker = folder / "broker.pem"
        self.broker.write_bytes(b"".join(self.signed("broker")))

    def signed(self, name: str) -> tuple[bytes, bytes]:
        """The key and the certificate of somebody at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = self._builder(_name(name), key).add_extension(address, critical=False).sign(self._key, SHA256())
        encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return encoded, certificate.public_bytes(Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class SecuredKafka(EmbeddedKafka):
    """A broker that has no listener for clients without TLS."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        super().__init__(folder)
        self._certificates = certificates
        self._certificate_port = free_port()
        self.users = {USER: PASSWORD, OTHER_USER: OTHER_PASSWORD}
        """Who is let in, from the next start on."""

    @property
    def for_certificates(self) -> str:
        """The address for clients that have a certificate."""
        return f"127.0.0.1:{self._certificate_port}"

    @property
    def options(self) -> dict[str, str]:
        """What a client with a name and a password needs."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "PLAIN",
            "sasl.username": next(iter(self.users)),
            "sasl.password": next(iter(self.users.values())),
            "ssl.ca.location": str(self._certificates.authority),
        }

    def _write_server_properties(self, data: Path) -> Path:
        path = super()._write_server_properties(data)
        client_port, controller_port = self._ports
        pem = {"ssl.keystore": self._certificates.broker, "ssl.truststore": self._certificates.authority}
        lines = [
            f"listeners=BROKER://127.0.0.1:{client_port},CERTIFICATES://127.0.0.1:{self._certificate_port},"
            f"CONTROLLER://127.0.0.1:{controller_port}",
            f"advertised.listeners=BROKER://{self.bootstrap_servers},CERTIFICATES://{self.for_certificates}",
            "listener.security.protocol.map=BROKER:SASL_SSL,CERTIFICATES:SSL,CONTROLLER:PLAINTEXT",
            "listener.name.certificates.ssl.client.auth=required",
            "sasl.enabled.mechanisms=PLAIN",
            "sasl.mechanism.inter.broker.protocol=PLAIN",
            f'listener.name.broker.plain.sasl.jaas.config={_MODULE} username="broker" password="b" user_broker="b" '
            f"{' '.join(f'user_{name}={chr(34)}{password}{chr(34)}' for name, password in self.users.items())};",
            *(f"{name}.type=PEM" for name in pem),
            *(f"{name}.location={file}" for name, file in pem.items()),
        ]
        with path.open("a", encoding="ascii") as file:  # of two settings of one name the later one counts
            file.write("\n".join(lines) + "\n")
        return path

    def _answers(self) -> bool:
        admin = open_admin(KafkaConfig(bootstrap_servers=self.bootstrap_servers, options=self.options))
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False
