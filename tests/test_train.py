"""zoo train and zoo resume."""

from tiny import tiny_settings


def test_train_commits_a_ready_model(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", "tiny", *tiny_settings(max_steps=12))
    assert outcome.code == 0, outcome.err
    assert "trained tiny-nano" in outcome.err
