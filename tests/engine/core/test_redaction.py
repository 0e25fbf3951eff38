from __future__ import annotations

import pytest

from engine.core.redaction import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ann:s3cret@host:5432/shop", "postgresql://ann:***@host:5432/shop"),
        ("postgresql://ann:p@ss@host/shop", "postgresql://ann:***@host/shop"),
        ("postgresql://ann:pa:ss@host/shop", "postgresql://ann:***@host/shop"),
        ("postgresql://ann:pa/ss@host/shop", "postgresql://ann:***@host/shop"),
        ("postgresql://host/shop?user=ann&password=s3cret", "postgresql://host/shop?user=ann&password=***"),
        ("postgresql://host/shop?password=s3cret&sslmode=require", "postgresql://host/shop?password=***&sslmode=require"),
        ('connection to "postgresql://ann:x@h/s" failed: password = s3cret', 'connection to "postgresql://ann:***@h/s" failed: password = ***'),
        ("host=db user=ann password='s3 cret' dbname=shop", "host=db user=ann password=*** dbname=shop"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ("postgresql://ann@host/shop", "postgresql://ann@host/shop"),
        ("sqlite:////folder/shop.db", "sqlite:////folder/shop.db"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
    ],
)  # fmt: skip
def test_passwords_are_taken_out_wherever_they_stand(text: str, expected: str) -> None:
    assert redact(text) == expected
