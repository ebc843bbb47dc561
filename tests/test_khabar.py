"""The public API: `import khabar` is light, every public name resolves, and the wheel holds it."""

import ast
import subprocess
import sys
import venv

import pytest

import khabar
from tests.conftest import ROOT


def test_every_public_name_resolves():
    for name in khabar.__all__:
        assert getattr(khabar, name) is not None, name
    assert set(dir(khabar)) == set(khabar.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'scrape'"):
        getattr(khabar, "scrape")  # noqa: B009


def test_types_and_names_agree():
    tree = ast.parse((ROOT / "khabar.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name: node.module for node in block.body for alias in node.names}

    assert {*typed, "__version__"} == set(khabar.__all__)
    assert {name: khabar._module_of(name) for name in typed} == typed


def test_import_loads_no_heavy_library():
    heavy = "('datasets', 'label_studio_sdk', 'huggingface_hub', 'pyarrow', 'numpy', 'pydantic', 'click')"
    code = f"import sys, khabar; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.compat
def test_the_wheel_is_imported_in_an_empty_environment(tmp_path):
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", str(ROOT)]
    subprocess.run(install, check=True, cwd=tmp_path)
    code = "import khabar; print(khabar.__version__, khabar.Span(0, 4, 'PERS').label, khabar.__file__)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.startswith(f"{khabar.__version__} PERS {tmp_path}")
    listed = subprocess.run(
        [python, "-c", "import builder, pathlib; print(*pathlib.Path(builder.__file__).parent.rglob('*'), sep='\\n')"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    for name in ("release/card/recall.json", "template/schema/labels.yaml", "template/dataset_card.md"):
        assert f"builder/{name}" in listed.stdout
