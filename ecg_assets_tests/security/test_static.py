"""What the package's source never does: found in its syntax trees, so that no comment counts and no call hides."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from ecg_assets_tests.integration.live import CHECKOUT

PACKAGE = CHECKOUT / "ecg_assets"
_SAFE_YAML = {"safe_load", "safe_dump", "YAMLError", "SafeLoader", "Node", "MappingNode", "SequenceNode"}
_UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
_UNPICKLING_CALLS = {"read_pickle", "Unpickler", "load_module"}
_SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn", "commands"}
_OPENS_IMAGES = {"PIL.Image.open", "Image.open", "cv2.imread", "cv2.imdecode", "imageio.imread", "plt.imread"}
# Files that this process has made itself, or bytes in memory.
_OWN_PICTURES = {"pages/camera/effects/jpeg.py", "assets/metadata.py", "scans/preview.py", "digitize/inbox_stage.py",
                 "digitize/benchmark/page_image.py", "resources/image_metadata.py"}  # fmt: skip


def dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression, else an empty text."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


def bad_yaml(node: ast.AST) -> bool:
    named = dotted(node) if isinstance(node, ast.Attribute) else ""
    imported = isinstance(node, ast.ImportFrom) and node.module == "yaml"
    return imported or (named.startswith("yaml.") and named.split(".")[1] not in _SAFE_YAML)


def unpickles(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        return any(module.partition(".")[0] in _UNPICKLING for module in modules)
    if not isinstance(node, ast.Call):
        return False
    keywords = {word.arg: word.value for word in node.keywords}
    if dotted(node.func).rpartition(".")[2] in _UNPICKLING_CALLS:
        return True
    if dotted(node.func) in ("torch.load", "torch.jit.load"):
        only = keywords.get("weights_only")
        return not (isinstance(only, ast.Constant) and only.value is True)
    allowed = keywords.get("allow_pickle")
    return allowed is not None and not (isinstance(allowed, ast.Constant) and allowed.value is False)


def shells(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return dotted(node.func) in _SHELLS or any(
        word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
        for word in node.keywords
    )


def evaluates(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "compile"}
    )


def opens_an_image(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func) in _OPENS_IMAGES


def unpacks_blindly(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {
        "extractall", "unpack_archive", "extract"
    }  # fmt: skip


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple((path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))) for path in paths)


# What is sent to worker processes is pickled by the standard library; these look at how it travels.
_LOOKS_AT_TRANSPORT = {"ecg_assets_tests/assets/test_config_bridge.py", "ecg_assets_tests/samples/test_dataset.py"}


def test_benchmarks_and_tests_unpickle_no_file_either() -> None:
    paths = sorted(path for folder in ("benchmarks", "ecg_assets_tests") for path in (CHECKOUT / folder).rglob("*.py"))
    assert len(paths) > 100
    wrong = {
        path.relative_to(CHECKOUT).as_posix()
        for path in paths
        if any(unpickles(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert wrong == _LOOKS_AT_TRANSPORT


def found(wrong: Callable[[ast.AST], bool]) -> Iterator[str]:
    for name, tree in trees():
        for node in ast.walk(tree):
            if wrong(node):
                yield f"{name}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("wrong", [bad_yaml, unpickles, shells, evaluates, unpacks_blindly])
def test_the_package_never_does_it(wrong: Callable[[ast.AST], bool]) -> None:
    assert len(trees()) > 100
    assert list(found(wrong)) == []


@pytest.mark.parametrize(
    ("wrong", "source"),
    [
        (bad_yaml, "yaml.load(text)"),
        (bad_yaml, "from yaml import load"),
        (bad_yaml, "yaml.unsafe_load(text)"),
        (unpickles, "import pickle"),
        (unpickles, "from pickle import loads"),
        (unpickles, "torch.load(path)"),
        (unpickles, "torch.load(path, weights_only=False)"),
        (unpickles, "np.load(path, allow_pickle=True)"),
        (unpickles, "pd.read_pickle(path)"),
        (shells, "subprocess.run(text, shell=True)"),
        (shells, "os.system(text)"),
        (evaluates, "eval(text)"),
        (evaluates, "exec(text)"),
        (unpacks_blindly, "archive.extractall(folder)"),
        (opens_an_image, "Image.open(path)"),
    ],
)
def test_each_search_finds_what_it_looks_for(wrong: Callable[[ast.AST], bool], source: str) -> None:
    assert any(wrong(node) for node in ast.walk(ast.parse(source)))


def test_pictures_of_other_people_are_opened_in_one_place_only() -> None:
    places = {name.partition(":")[0] for name in found(opens_an_image)}
    assert places - _OWN_PICTURES == {"pages/raster/open_image.py"}


def files_of_the_package() -> list[Path]:
    kept = {".py", ".yaml", ".yml", ".html", ".md", ".toml", ".txt"}
    above = [
        CHECKOUT / name for name in ("Makefile", "pyproject.toml", "constraints.txt", "workspace.yaml", "SECURITY.md")
    ]
    return [*above, *(path for path in sorted(PACKAGE.rglob("*")) if path.suffix in kept)]


def test_nothing_names_a_registry_or_a_place_of_the_machine_it_was_written_on() -> None:
    """An index-url would send everybody's installation there; a path would be right for one person only."""
    unwanted = ("index-url", "index_url", "find-links", "trusted-host", str(Path.home()) + "/", str(CHECKOUT))
    for path in files_of_the_package():
        text = path.read_text("utf-8")
        assert not [word for word in unwanted if word in text], path
