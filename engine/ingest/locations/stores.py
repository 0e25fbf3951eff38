"""The file system of an object store, opened with what the environment says: credentials, region, endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper

from engine.core.errors import InputError
from engine.core.settings import environment_variable

__all__ = ["CREDENTIALS", "open_store"]

CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN",
}
"""Scheme -> the variables that hold credentials."""
_PATIENCE = timedelta(seconds=30)


def open_store(scheme: str) -> ArrowFSWrapper:
    """The store of `s3`, `gs` or `az`; nothing is asked of it yet. Raises `InputError` where Azure's account is not named."""
    system = {"s3": _amazon, "gs": _google, "az": _azure}[scheme]()
    return ArrowFSWrapper(system, skip_instance_cache=True)


def _amazon() -> Any:
    endpoint = environment_variable("AWS_ENDPOINT_URL_S3") or environment_variable("AWS_ENDPOINT_URL") or ""
    return pyarrow.fs.S3FileSystem(
        endpoint_override=endpoint.rstrip("/") or None,
        region=environment_variable("AWS_REGION") or environment_variable("AWS_DEFAULT_REGION"),
    )


def _google() -> Any:
    emulator = environment_variable("STORAGE_EMULATOR_HOST")
    if emulator is None:
        return pyarrow.fs.GcsFileSystem(retry_time_limit=_PATIENCE)
    scheme, _, host = emulator.rpartition("://")
    return pyarrow.fs.GcsFileSystem(
        anonymous=True, scheme=scheme or "http", endpoint_override=host.rstrip("/"), retry_time_limit=_PATIENCE
    )


def _azure() -> Any:
    given = _connection_string(environment_variable("AZURE_STORAGE_CONNECTION_STRING") or "")
    account = given.get("AccountName") or environment_variable("AZURE_STORAGE_ACCOUNT")
    if account is None:
        raise InputError(f"az:// needs the name of the storage account. Set {CREDENTIALS['az']}.")
    key = given.get("AccountKey") or environment_variable("AZURE_STORAGE_KEY")
    token = given.get("SharedAccessSignature") or environment_variable("AZURE_STORAGE_SAS_TOKEN")
    return pyarrow.fs.AzureFileSystem(
        account, account_key=key, sas_token=None if key else token, **_azure_server(given.get("BlobEndpoint", ""))
    )


def _azure_server(endpoint: str) -> dict[str, str]:
    """Where another server than Azure's own stands in for it."""
    address = urlsplit(endpoint)
    if not address.netloc or address.netloc.endswith(".core.windows.net"):
        return {}
    return {
        f"{kind}_storage_{part}": value
        for kind in ("blob", "dfs")
        for part, value in (("authority", address.netloc), ("scheme", address.scheme))
    }


def _connection_string(text: str) -> dict[str, str]:
    """`Name=value;...`, as Azure's portal shows it."""
    return {name: value for name, _, value in (part.partition("=") for part in text.split(";")) if value}
