from __future__ import annotations

from pathlib import Path

import pyarrow.fs
import pytest

from engine.core.errors import InputError
from engine.ingest.locations import as_location, fetch, object_store
from engine.ingest.locations.stores import open_store

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECTION_STRING", "ACCOUNT", "KEY", "SAS_TOKEN"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)


def test_azure_needs_an_account() -> None:
    with pytest.raises(InputError, match="AZURE_STORAGE_ACCOUNT"):
        open_store("az")


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"ACCOUNT": "shop", "KEY": KEY}, {"account_name": "shop", "account_key": KEY}),
        ({"ACCOUNT": "shop", "SAS_TOKEN": "?sv=1"}, {"account_name": "shop", "sas_token": "?sv=1"}),
        (
            {"CONNECTION_STRING": f"AccountName=shop;AccountKey={KEY};EndpointSuffix=core.windows.net"},
            {"account_name": "shop", "account_key": KEY},
        ),
        (
            {"CONNECTION_STRING": f"AccountName=shop;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:10000/shop;"},
            {
                "account_name": "shop",
                "account_key": KEY,
                "blob_storage_authority": "127.0.0.1:10000",
                "blob_storage_scheme": "http",
                "dfs_storage_authority": "127.0.0.1:10000",
                "dfs_storage_scheme": "http",
            },
        ),
    ],
)
def test_azure_is_opened_with_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], options: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
    account = options.pop("account_name")
    assert open_store("az").fs == pyarrow.fs.AzureFileSystem(account, **options)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("AWS Error ACCESS_DENIED during HeadObject operation: No response body.", "the store refused"),
        (
            "Status(UNAVAILABLE: Could not create a OAuth2 access token ... Could not resolve hostname",
            "the store refused",
        ),
        ("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation", "another region"),
        ("AWS Error NO_SUCH_BUCKET NoSuchBucket: The specified bucket does not exist", "no such bucket"),
        ("AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 28, Timeout", "cannot be reached"),
    ],
)
def test_what_a_store_says_is_told_in_a_sentence(
    said: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(scheme: str) -> None:
        raise OSError(said)

    monkeypatch.setattr(object_store, "open_store", refuse)
    with pytest.raises(InputError, match=sentence):
        fetch(as_location("s3://shop/a.csv"), tmp_path, lambda done, message: None)
