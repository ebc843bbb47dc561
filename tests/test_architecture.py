"""docs/architecture.md, the import contract and the tree agree, and the house keeps its measures."""

import ast
import re
import tomllib

import pytest

from tests.conftest import ROOT

BUILDER = ROOT / "builder"
MODULES = sorted(path for path in BUILDER.rglob("*.py") if "template" not in path.relative_to(BUILDER).parts)
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def packages():
    """The folders of builder/ that hold modules, as paths such as `release/card/`."""
    folders = {path.parent for path in MODULES} - {BUILDER}
    return {f"{folder.relative_to(BUILDER).as_posix()}/" for folder in folders}


def test_the_page_lists_every_folder():
    assert set(re.findall(r"^\| `([a-z_/]+/)` \|", PAGE, re.MULTILINE)) - {"schema/", "annotations/"} == packages() - {
        "schema/"
    }


def test_the_layers_of_the_page_are_those_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    (written,) = re.findall(r"```layers\n(.*?)```", PAGE, re.DOTALL)

    assert written.splitlines() == layers


def test_the_layers_name_every_package():
    (written,) = re.findall(r"```layers\n(.*?)```", PAGE, re.DOTALL)
    named = set(re.findall(r"\w+", written))
    there = {path.name for path in BUILDER.iterdir() if (path / "__init__.py").exists()}
    there |= {path.stem for path in BUILDER.glob("*.py") if not path.stem.startswith("__")}

    assert named == there


def test_builder_has_at_most_four_files_beside_its_packages():
    assert len(list(BUILDER.glob("*.py"))) <= 4


def test_no_folder_has_more_than_thirteen_files():
    for folder in {path.parent for path in MODULES} - {BUILDER / "commands"}:
        assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= 13, folder


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(BUILDER).as_posix())
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]

    assert len(source.splitlines()) <= 300
    assert [node.name for node in functions if node.end_lineno - node.lineno + 1 > 60] == []


def test_few_imports_stand_inside_functions():
    inside = []
    for path in MODULES:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
                inside += [(path.name, ast.unparse(node)) for node in found]

    assert [line for _, line in inside if "builder" in line] == []
    assert len(inside) < 15, inside


TESTS = ROOT / "tests"
WITHOUT_TESTS_OF_THEIR_OWN = {"corpus/readers/feed", "local_hub"}
"""Feeds are tested whole, by readers/test_feeds.py; the Hub is driven by tests/live."""


def folders(root):
    """The folders below a root that hold modules or tests, as paths."""
    found = {path.parent.relative_to(root) for path in root.rglob("*.py")}
    return {path.as_posix() for path in found if path.parts and path.parts[0] not in ("template", "cases", "live")}


def test_folders_of_tests_mirror_the_packages():
    assert folders(BUILDER) - folders(TESTS) == WITHOUT_TESTS_OF_THEIR_OWN
    assert folders(TESTS) <= folders(BUILDER)


def test_no_test_imports_from_another_test_module():
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    pattern = re.compile(r"^(?:from|import) tests\.(?:\w+\.)*test_\w+|^from tests[\w.]* import .*\btest_", re.MULTILINE)

    assert [path for path, source in sources.items() if pattern.search(source)] == []


def loose_tuples(annotation):
    """The tuples of three and more different things in an annotation, at any depth."""
    nodes = (
        ast.parse(annotation.value, mode="eval")
        if isinstance(annotation, ast.Constant) and annotation.value
        else annotation
    )
    for node in ast.walk(nodes):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "tuple" and isinstance(node.slice, ast.Tuple):
            parts = [ast.unparse(part) for part in node.slice.elts]
            if len(parts) > 2 and "..." not in parts:
                yield ast.unparse(node)


@pytest.mark.parametrize(("annotation", "count"), [
    ("tuple[int, str]", 0), ("tuple[int, ...]", 0), ("tuple[int, str, str]", 1), ("'list[tuple[int, str, str]]'", 1),
    ("Iterator[tuple[str, dict[str, tuple[int, int, int]], int]]", 2), ("None", 0),
])  # fmt: skip
def test_loose_tuples_are_seen_at_any_depth(annotation, count):
    assert len([*loose_tuples(ast.parse(annotation, mode="eval").body)]) == count


def test_what_has_three_parts_is_a_record():
    found = {
        f"{path.relative_to(ROOT).as_posix()} {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns and [*loose_tuples(node.returns)]
    }

    assert found == set()
