"""What things may be called."""

import pytest

from zoo.errors import UsageProblem
from zoo.names import check_name, free_name, split_blend, split_step, whole, with_step


@pytest.mark.parametrize("name", ["a", "0", "m2", "shakespeare-m2", "a.b_c-d", "a-", "a_", "a" * 64, "con-2", "com10"])
def test_a_name_that_is_allowed_is_given_back(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "-a",
        ".a",
        "_a",
        "..",
        "a/b",
        "a\\b",
        "../a",
        "A",
        "aB",
        "a b",
        "a\n",
        "a\0",
        "é",
        "ａ",
        "١",
        "a:b",
        "a@1",
        "a+b",
        "a" * 65,
        "a.",
    ],
)
def test_a_name_that_breaks_the_rule_is_refused(name):
    with pytest.raises(UsageProblem, match="not allowed"):
        check_name(name)


@pytest.mark.parametrize("name", ["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9", "con.txt", "nul.tar.gz"])
def test_a_device_name_is_refused(name):
    with pytest.raises(UsageProblem, match="some systems cannot store"):
        check_name(name)


def test_the_message_says_what_was_named_and_the_rule():
    with pytest.raises(UsageProblem, match=r"dataset 'My Book' is not allowed: use lower-case letters.*at most 64"):
        check_name("My Book", "dataset")


def test_free_name_is_the_wanted_one_or_the_next_number():
    assert free_name("a", ()) == "a"
    assert free_name("a", {"b"}) == "a"
    assert free_name("a", {"a"}) == "a-2"
    assert free_name("a", {"a", "a-2", "a-4"}) == "a-3"


def test_free_name_keeps_to_the_rule_when_the_wanted_name_is_long():
    longest = "a" * 64
    found = free_name(longest, {longest})
    assert found != longest
    assert check_name(found) == found


@pytest.mark.parametrize("command", [["fetch", "A/B", "--from", "x"], ["datasets", "../x"], ["train", "-d", "nul"]])
def test_every_door_refuses_a_bad_name(zoo, home, command):
    outcome = zoo(*command)
    assert outcome.code == 2
    assert "not allowed" in outcome.err
    assert not home.path.exists()


def test_a_bad_model_name_is_refused_before_anything_is_done(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", tiny_corpus, "--name", "../escape")
    assert outcome.code == 2
    assert "not allowed" in outcome.err
    assert not home.models.exists()


@pytest.mark.parametrize(
    ("reference", "halves"),
    [("a", ("a", None)), ("a@0", ("a", 0)), ("a@0064", ("a", 64)), ("", ("", None)), ("@1", ("", 1))],
)
def test_a_reference_is_a_name_and_maybe_a_step(reference, halves):
    assert split_step(reference) == halves


@pytest.mark.parametrize("step", ["", "x", "-1", "1.5", "1@2", "²", "٣", " 1", "1" * 11])
def test_a_step_is_a_number(step):
    with pytest.raises(UsageProblem, match="names no step"):
        split_step(f"a@{step}")


def test_a_step_comes_back_from_its_reference():
    assert split_step(with_step("a-b.c", 64)) == ("a-b.c", 64)
    assert with_step("a", None) == "a"


def test_who_changes_a_model_takes_it_whole():
    assert whole("a") == "a"
    with pytest.raises(UsageProblem, match="say 'a'"):
        whole("a@4")


@pytest.mark.parametrize(
    ("reference", "members"),
    [
        ("a", [("a", 1.0)]),
        ("a+b", [("a", 0.5), ("b", 0.5)]),
        ("a+b:0.3", [("a", 0.7), ("b", 0.3)]),
        ("a:0.2+b:0.3+c+d", [("a", 0.2), ("b", 0.3), ("c", 0.25), ("d", 0.25)]),
        ("a:0.6+b:0.4", [("a", 0.6), ("b", 0.4)]),
        ("a@5+b:.25", [("a@5", 0.75), ("b", 0.25)]),
        ("a:1", [("a", 1.0)]),
        ("a:0.333333+b:0.333333+c:0.333333", [("a", 1 / 3), ("b", 1 / 3), ("c", 1 / 3)]),
    ],
)
def test_a_blend_has_members_with_weights(reference, members):
    found = split_blend(reference)
    assert [name for name, _ in found] == [name for name, _ in members]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in members])


@pytest.mark.parametrize(
    "reference",
    [
        "a:0.5+b:0.6",
        "a:0.5+b:0.4",
        "a:1+b",
        "a:0+b",
        "a:-1+b",
        "a:nan+b",
        "a:x+b",
        "a:+b",
        "a:inf+b",
        "a:0.3",
        "a:0.5+b:0.5+c",
        "a+",
        "+",
    ],
)
def test_weights_that_make_no_mixture_are_refused(reference):
    with pytest.raises(UsageProblem):
        split_blend(reference)
