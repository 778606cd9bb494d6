"""The first administrator's key, for the command line of this machine."""

from pathlib import Path

from api.accounts.keys import digest_of, key_id_of, new_key
from api.kept import kept_file
from core.errors import ConfigurationError, UnauthenticatedError
from orchestrator.store import KeyStore


async def keep_first_key(keys: KeyStore, path: Path, secret: bytes) -> None:
    """The key in `path`, made on first use, opens this installation unless it was revoked.

    Raises ConfigurationError for a damaged file, StoreError.
    """
    text = kept_file(path, lambda: new_key().text.encode()).decode(errors="replace").strip()
    try:
        key_id = key_id_of(text)
    except UnauthenticatedError as error:
        raise ConfigurationError(f"expected an API key in {path}, got something else; remove it") from error
    await keys.keep_admin_key(key_id, digest_of(text, secret))
