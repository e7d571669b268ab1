"""Who may import whom: the table of rooms, the circles, and what must load late."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHOWN = [ROOT / "dashboard.py", *sorted((ROOT / "pages").rglob("*.py"))]
LIBRARY = sorted((ROOT / "vizcore").rglob("*.py"))
UI = [path for path in LIBRARY if path.is_relative_to(ROOT / "vizcore" / "ui")]
COMPUTE = [path for path in LIBRARY if path not in UI]
RUNTIME = [path for path in SHOWN + LIBRARY if path.exists()]

HEAVY = ("umap", "openTSNE", "sklearn.manifold", "cv2", "torchvision")
ROOMS = {  # room: what of vizcore it may import beside itself
    "types": set(),
    "content": set(),
    "images": {"types"},
    "figures": {"images", "content", "types"},
    "models": {"images", "types"},
    "methods": {"models", "images", "types"},
    "inspection": {"methods", "models", "images", "types"},
    "evaluation": {"methods", "models", "images", "types"},
    "ui": {"types", "content", "images", "figures", "models", "methods", "inspection", "evaluation", "ui"},
}
OUTSIDE = {  # what else, beside the standard library
    "types": {"numpy"},
    "content": set(),
    "images": {"numpy", "PIL"},
    "figures": {"numpy", "PIL", "plotly"},
}


def module_name(path: Path) -> str:
    """``vizcore/ui/__init__.py`` -> ``vizcore.ui``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in LIBRARY}


def targets(node: ast.Import | ast.ImportFrom, path: Path) -> Iterator[str]:
    """The dotted names an import statement may load: for ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = path.relative_to(ROOT).parts[: -node.level]
        base = ".".join((*package, base) if base else package)
    yield base
    yield from (f"{base}.{alias.name}" for alias in node.names)


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from executed(child)


def imports(path: Path, on_import_only: bool = False) -> set[str]:
    """Every dotted name that the file imports, in functions too unless ``on_import_only``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = executed(tree) if on_import_only else ast.walk(tree)
    return {name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for name in targets(node, path)}


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def offenders(paths: list[Path], package: str, on_import_only: bool = False) -> list[str]:
    return [module_name(path) for path in paths if any(is_in(name, package) for name in imports(path, on_import_only))]


def test_only_pages_and_ui_know_streamlit():
    assert offenders(COMPUTE, "streamlit") == []


def test_nothing_imports_pages():
    assert offenders(RUNTIME, "pages") == []


def test_only_the_ui_reads_the_page_table():
    """A page that is opened alone shows the navigation of dashboard.py too, so the interface reads it."""
    assert offenders([path for path in RUNTIME if path not in UI], "dashboard") == []


def test_compute_does_not_know_the_ui():
    assert offenders(COMPUTE, "vizcore.ui") == []


def room_of(name: str) -> str | None:
    """``vizcore.models.net`` -> ``models``; None for what is not in vizcore, or is vizcore itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "vizcore" and len(parts) > 1 and parts[1] in ROOMS else None


def run_time_imports(path: Path) -> set[str]:
    """Every dotted name that the file may import when it runs: in functions too, but nothing for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waiting, found = [tree], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(targets(node, path))
        waiting.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_table_allows(room: str):
    found = {
        f"{module_name(path)} imports {name}"
        for path in LIBRARY
        if room_of(module_name(path)) == room
        for name in run_time_imports(path)
        if room_of(name) not in ROOMS[room] | {room, None}
    }
    assert found == set()


@pytest.mark.parametrize("room", OUTSIDE)
def test_a_room_needs_only_a_few_packages(room: str):
    allowed = OUTSIDE[room] | sys.stdlib_module_names | {"vizcore"}
    found = {
        f"{module_name(path)} imports {name}"
        for path in LIBRARY
        if room_of(module_name(path)) == room
        for name in run_time_imports(path)
        if name.split(".")[0] not in allowed
    }
    assert found == set()


def test_drawing_and_words_load_neither_torch_nor_streamlit():
    names = [name for name in MODULES if room_of(name) in ("figures", "content", "images", "types")]
    program = f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\n"
    program += "print(sorted({'torch', 'streamlit', 'plotly', 'cv2'} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_every_room_says_what_it_is_for_and_nothing_lies_beside_them():
    for room in set(ROOMS) - {"types"}:
        tree = ast.parse(MODULES[f"vizcore.{room}"].read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), room
    flat = {path.stem for path in (ROOT / "vizcore").glob("*.py")}
    assert flat == {"__init__", "types"}


def test_a_section_belongs_to_one_page():
    """A module in ui/sections/ is imported by the page of its name, or by its own test, and by nobody else."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    for section in sorted((ROOT / "vizcore" / "ui" / "sections").glob("*.py")):
        if section.stem == "__init__":
            continue
        name = module_name(section)
        users = {path.stem for path in [*RUNTIME, *tests] if path != section and name in imports(path)}
        assert section.stem in users, f"pages/{section.stem}.py does not use it"
        assert {user for user in users if not user.startswith("test_")} <= {section.stem, "conftest"}, name


def test_compute_modules_form_no_circle():
    """Faces left out: a package's `__init__.py` hands on what its own modules define."""
    modules = {name for name, path in MODULES.items() if path in COMPUTE and path.name != "__init__.py"}
    waiting = {name: imports(MODULES[name]) & modules - {name} for name in modules}
    while free := [name for name, needs in waiting.items() if needs.isdisjoint(waiting)]:
        for name in free:
            del waiting[name]
    assert waiting == {}


@pytest.mark.parametrize("package", HEAVY)
def test_heavy_packages_are_imported_where_they_are_used(package: str):
    assert offenders(RUNTIME, package, on_import_only=True) == []


def test_the_dashboard_needs_only_its_own_requirements():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = {name.lower().replace("_", "-") for name in re.findall(r"^([\w-]+)==", text, flags=re.MULTILINE)}
    owners = packages_distributions()
    known = sys.stdlib_module_names | {"vizcore", "dashboard"}
    used = {name.split(".")[0] for path in RUNTIME for name in imports(path)} - known
    missing = {
        name for name in used if required.isdisjoint(owner.lower().replace("_", "-") for owner in owners.get(name, []))
    }
    assert missing == set()


def test_no_file_names_a_folder_of_one_computer():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(rb"(?<![\w.~-])/(?:work|root|home|Users)/\w+")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content:
            found += [f"{name}: {match.group().decode()}" for match in pattern.finditer(content)]
    assert found == []


# The walker itself


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b", {"a.b"}),
        ("from a import b", {"a", "a.b"}),
        ("from . import cam", {"vizcore", "vizcore.cam"}),
        ("from .cam import grad_cam", {"vizcore.cam", "vizcore.cam.grad_cam"}),
        ("try:\n import a\nexcept ImportError:\n pass", {"a"}),
        ("def f():\n import a", set()),
        ("class A:\n import a", {"a"}),
        ("if TYPE_CHECKING:\n import a", set()),
    ],
)
def test_walker(source: str, expected: set[str]):
    found = {
        name
        for node in executed(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in targets(node, ROOT / "vizcore" / "x.py")
    }
    assert found == expected
