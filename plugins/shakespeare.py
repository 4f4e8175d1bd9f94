"""Tiny Shakespeare: a megabyte of plays, the text of char-rnn, nanoGPT and the seed."""

from zoo import Dataset, hookimpl


@hookimpl
def zoo_datasets() -> list[Dataset]:
    return [
        Dataset(
            name="shakespeare",
            summary="tiny Shakespeare: 1.1 MB of plays, 65 characters",
            licence="public domain",
            source="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        )
    ]
