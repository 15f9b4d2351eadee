"""The structure that docs/architecture.md tells of is the one that is there."""

import ast
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.integration.test_docs import PAGES

PACKAGE = CHECKOUT / "ecg_assets"
ARCHITECTURE = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
TREES = [CHECKOUT / name for name in ("ecg_assets", "ecg_assets_tests", "benchmarks")]
MODULES = sorted(PACKAGE.rglob("*.py"))
# What documentation names paths relative to, beside the checkout.
PLACES = [CHECKOUT, PACKAGE, PACKAGE / "digitize", CHECKOUT / "ecg_assets_tests"]
# Recipes go by the names of their tables all over the documentation.
TABLES = {path.name for path in PACKAGE.rglob("tables/*.yaml")}
FILES_A_FOLDER = 20
# An effect is a file, and there are many.
CROWDED = {"ecg_assets/pages/camera/effects"}


def section(title: str) -> str:
    return ARCHITECTURE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_where_to_change_what_names_files_that_are_there() -> None:
    rows = [row for row in section("Where do I change ...?").splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 12
    for row in rows:
        paths = re.findall(r"`(ecg_assets/[^`]+)`", row)
        assert paths and all((CHECKOUT / path).exists() for path in paths), row


def test_every_part_of_the_package_has_its_layer() -> None:
    layers = set(re.findall(r"`ecg_assets/([a-z_.]+)`", section("Layers")))
    parts = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__.py"} == layers


def test_version_numbers_are_where_the_table_says() -> None:
    named = re.findall(r"`([A-Z_]+)` in `([^`]+)`", section("What stays current when code changes"))
    assert len(named) > 8
    for name, path in named:
        assert re.search(rf"^{name} = ", (CHECKOUT / path).read_text("utf-8"), re.MULTILINE), (name, path)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_paths_in_the_documentation_exist(page: str) -> None:
    named = set(re.findall(r"`([A-Za-z_./]+\.(?:py|yaml))`", PAGES[page])) - TABLES
    assert [path for path in named if not any((place / path).exists() for place in PLACES)] == []


def test_modules_that_are_named_in_strings_exist() -> None:
    """`python -m ecg_assets...` in code, documentation and deployments, and whatever else names a module."""
    texts = [*MODULES, *(CHECKOUT / "benchmarks").rglob("*.py"), *(CHECKOUT / "deploy").glob("*.yaml")]
    texts += [CHECKOUT / "Makefile", CHECKOUT / "workspace.yaml", PACKAGE / "weights" / "MODEL_CARD.md"]
    said = "\n".join([*(path.read_text("utf-8") for path in texts), *PAGES.values()])
    named = set(re.findall(r"-m\W+((?:ecg_assets|ecg_assets_tests|benchmarks)(?:\.\w+)+)", said))
    named |= set(re.findall(r"[\"'`](ecg_assets(?:\.[a-z_]+)+)[\"'`]", said))
    assert len(named) > 10
    assert [name for name in sorted(named) if not _is_a_module(name)] == []


def test_programs_in_strings_import_what_is_there() -> None:
    """Tests start programs of their own, whose imports no linter sees."""
    named = set[str]()
    for path in (one for tree in TREES for one in tree.rglob("*.py")):
        texts = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
        for text in (one for one in texts if isinstance(one, str)):
            for module, names in re.findall(r"from (ecg_assets(?:_tests)?[\w.]*) import (\w+(?:, \w+)*)", text):
                named |= {f"{module}.{name}" for name in names.split(", ")}
    assert len(named) > 10
    assert [name for name in sorted(named) if not _is_a_module(name)] == []


def _is_a_module(name: str) -> bool:
    """Whether it is a module, or a name that a module defines."""
    parent, _, last = name.rpartition(".")
    found = find_spec(parent)
    if found is None or found.origin is None:
        return False
    if found.submodule_search_locations and find_spec(name) is not None:
        return True
    return re.search(rf"^(?:def |class )?{last}\b", Path(found.origin).read_text("utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("tree", TREES, ids=lambda path: path.name)
def test_a_folder_is_a_table_of_contents(tree: Path) -> None:
    sizes = Counter(path.parent.relative_to(CHECKOUT).as_posix() for path in tree.rglob("*.py"))
    assert {folder: size for folder, size in sizes.items() if size > FILES_A_FOLDER}.keys() <= CROWDED


def test_nothing_is_importable_under_two_names() -> None:
    """No module names something as its own that another one defines, and none is a mere signpost to another."""
    assert len(MODULES) > 300
    assert {path: fault for path in MODULES if (fault := _second_name(ast.parse(path.read_text("utf-8"))))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from ecg_assets.store.log import Log as Log",
        "from ecg_assets.store.log import Log\n__all__ = ['Log']",
        "from ecg_assets.store.log import Log",
    ],
)
def test_a_second_name_is_noticed(source: str) -> None:
    assert _second_name(ast.parse(source))


def _second_name(tree: ast.Module) -> str | None:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecg")]
    if any(name.asname == name.name for node in imports for name in node.names):
        return "an import as the same name exports it again"
    if any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body):
        return "__all__ exports again what is imported; what a module defines needs none"
    own = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)]
    return "only imports: whoever needs the names finds them where they are defined" if imports and not own else None


def test_jax_and_the_tpu_compiler_are_no_part_of_the_package() -> None:
    """They have an environment of their own, in which one file that nothing imports is run."""
    importing = re.compile(r"^\s*(?:import|from) (?:jax|jaxlib|libtpu)\b", re.MULTILINE)
    files = [path for path in (CHECKOUT / "ecg_assets").rglob("*.py") if importing.search(path.read_text("utf-8"))]
    assert [path.name for path in files] == ["compile_hlo.py"]
    assert not [
        path for path in (CHECKOUT / "ecg_assets").rglob("*.py") if "import compile_hlo" in path.read_text("utf-8")
    ]
    assert find_spec("jax") is None and find_spec("libtpu") is None
