"""Certificates that are made for a test."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates and writes them into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.certificate = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.certificate))

    def issue(self, name: str) -> Pair:
        """A certificate for `name`."""
        made = self._ca.issue_cert(name)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.private_key_pem.write_to_path(str(pair.key))
        for index, part in enumerate(made.cert_chain_pems):
            part.write_to_path(str(pair.certificate), append=index > 0)
        return pair
