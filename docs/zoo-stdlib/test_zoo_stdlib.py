from zoo.testing import check_dataset


def test_stdlib_keeps_the_contract():
    check_dataset("stdlib")
