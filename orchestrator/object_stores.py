"""Opens the object store that a URL names."""

from pathlib import Path

from core.errors import ConfigurationError
from orchestrator.file_cache import CacheSettings, FileCache
from orchestrator.objects import LocalObjectStore, ObjectStore
from orchestrator.s3_objects import S3ObjectStore


def open_object_store(url: str, cache: CacheSettings) -> ObjectStore:
    """The store at `file:///a/directory` or `s3://bucket/prefix`. Raises ConfigurationError."""
    scheme, _, path = url.partition("://")
    if scheme == "file" and path.startswith("/"):
        return LocalObjectStore(Path(path))
    if scheme == "s3":
        return S3ObjectStore.open(url, FileCache(cache))
    raise ConfigurationError(
        f"MAREY_STORE_URL: expected file:///a/directory or s3://bucket/prefix, got {url!r}"
    )
