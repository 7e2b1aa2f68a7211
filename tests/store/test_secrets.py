"""Law: what looks like a secret, or is known to be one, is in no text that is shown or kept; other text stays."""

from __future__ import annotations

import pytest

from milepost.store.errors import UsageError
from milepost.store.secrets import know_secret, told, without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Incorrect API key provided: sk-proj-abcdefgh12345678.", "Incorrect API key provided: [hidden]."),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer [hidden]"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==", "Authorization: Basic [hidden]"),
        ("cannot reach http://ann:hunter2@example.org/v1", "cannot reach http://[hidden]@example.org/v1"),
        ("password='correct horse'", "password='[hidden] horse'"),
        ('{"api_key": "abcdefghijkl"}', '{"api_key": "[hidden]"}'),
        ("ghp_0123456789abcdefABCD", "[hidden]"),
        ("AKIAABCDEFGHIJKLMNOP", "[hidden]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.abc", "[hidden]"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, kept: str) -> None:
    """In whatever form it comes."""
    assert without_secrets(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "no such file or folder: 'sk-1.md'", "basic training for new people.md cannot be read", "the password is wrong",
        "encrypted; leave it out, or give an open copy", "http://example.org:8080/v1", "plan_0123456789abcdef01234567",
        "checkpoint_before_upload_0a6a44f5-ac0b-45b5-aab8-6dce92c7af1e", "mail to ann@example.org", "C:\\secret\\a.md",
    ],
)  # fmt: skip
def test_other_text_stays(text: str) -> None:
    """Names, ids and addresses are what a message is about."""
    assert without_secrets(text) == text


def test_a_known_secret_is_hidden_whatever_it_looks_like() -> None:
    """In errors of our own, and in what others' exceptions say."""
    know_secret("open sesame")
    assert told(ValueError("it was open sesame!")) == "ValueError: it was [hidden]!"
    error = UsageError("it was open sesame!", cause="open sesame")
    assert (error.message, error.cause, str(error)) == ("it was [hidden]!", "[hidden]", "it was [hidden]!")
