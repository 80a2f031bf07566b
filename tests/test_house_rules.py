"""The two rules of `tools/house_rules.py`, and that this repository keeps them."""

from tools.house_rules import SHORTEST_PASSAGE, class_problems, passage_problems

PASSAGE = "\n".join(f"    total += weight({number}) * items[{number}]" for number in range(SHORTEST_PASSAGE))


def lines(count: int) -> str:
    return "class Big:\n" + "".join(f"    field_{number} = {number}\n" for number in range(count - 1))


def test_a_class_of_two_hundred_lines_is_the_longest() -> None:
    assert list(class_problems({"a.py": lines(200)}, {})) == []
    (problem,) = class_problems({"a.py": lines(201)}, {})
    assert problem.startswith("a.py:Big: a class of 201 lines; at most 200")


def test_an_exception_is_used_or_reported() -> None:
    assert list(class_problems({"a.py": lines(201)}, {"a.py:Big": "a reason"})) == []
    (problem,) = class_problems({"a.py": lines(3)}, {"a.py:Big": "a reason"})
    assert problem.endswith("no longer needs a.py:Big")


def test_a_passage_that_exists_twice_is_found_whatever_its_indentation_comments_and_place() -> None:
    first = f"def one(items):\n    total = 0\n{PASSAGE}\n    return total\n"
    moved = PASSAGE.replace("    total", "        total").replace("\n", "  # why\n\n")
    second = f"import os\n\n\nclass Two:\n    def two(self, items):\n        total = 1\n{moved}\n        return 0\n"
    (problem,) = passage_problems({"a.py": first, "b.py": second}, {})
    assert problem.startswith(f"a.py:3 and b.py:7: {SHORTEST_PASSAGE} equal lines")
    assert list(passage_problems({"a.py": first, "b.py": second}, {("b.py", "a.py"): "a reason"})) == []


def test_what_is_shorter_or_an_import_or_a_docstring_is_no_passage() -> None:
    shorter = PASSAGE.rpartition("\n")[0]
    imports = "".join(f"import module_{number}\n" for number in range(20))
    docstring = '"""' + "\n".join(f"line {number}" for number in range(20)) + '"""\n'
    for text in (shorter.replace("    ", ""), imports, docstring):
        assert list(passage_problems({"a.py": f"{text}\na = 1\n", "b.py": f"{text}\nb = 2\n"}, {})) == []


def test_a_passage_within_one_file_is_found_and_reported_once() -> None:
    source = f"def one(items):\n{PASSAGE}\n\n\ndef two(items):\n{PASSAGE}\n"
    assert len(list(passage_problems({"a.py": source}, {}))) == 1
