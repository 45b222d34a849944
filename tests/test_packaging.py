"""The wheel a user installs: complete, pure Python, free of Qt, quick to import."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import refine_labels
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "napari_coarse_crf"


def run(*command: object, **options: Any) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Not isolated: the build backend is installed already, so nothing is fetched.
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel; the libraries it needs are those of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    here = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Folders named in a .pth file come last, and their own .pth files (our editable install) are not read.
    (Path(here) / "libraries.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    return python


def in_wheel(wheel: Path, ending: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(ending)]
        return archive.read(name).decode("utf-8")


def test_the_wheel_is_pure_python_and_holds_every_file_of_the_package(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = [path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(SOURCE.parent).as_posix() for path in files} <= packed
    for name in ("napari_coarse_crf/napari.yaml", "napari_coarse_crf/py.typed", "napari_coarse_crf/samples/README.md"):
        assert name in packed


def test_the_manifest_in_the_wheel_is_the_one_of_the_entry_point(wheel: Path) -> None:
    assert in_wheel(wheel, "napari_coarse_crf/napari.yaml") == (SOURCE / "napari.yaml").read_text(encoding="utf-8")
    entry_points = in_wheel(wheel, ".dist-info/entry_points.txt")
    assert "[napari.manifest]\nnapari-coarse-crf = napari_coarse_crf:napari.yaml" in entry_points


def test_a_plain_install_needs_neither_a_qt_binding_nor_napari_nor_a_compiler(wheel: Path) -> None:
    metadata = Parser().parsestr(in_wheel(wheel, ".dist-info/METADATA"))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("numpy") for line in needed)
    assert not [line for line in needed if line.lower().startswith(("pyqt", "pyside", "napari", "pydensecrf"))]
    assert "Framework :: napari" in metadata.get_all("Classifier", [])
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_the_installed_wheel_refines_a_sample_like_the_source(installed: Path, tmp_path: Path) -> None:
    code = (
        "import napari_coarse_crf, numpy as np\n"
        "from napari_coarse_crf.samples import load_sample\n"
        "sample = load_sample('nuclei')\n"
        "np.save('refined.npy', napari_coarse_crf.refine_labels(sample.image, sample.coarse))\n"
        "print(napari_coarse_crf.__file__)"
    )
    place = run(installed, "-c", code, cwd=tmp_path).strip()
    assert installed.parents[1] in Path(place).parents
    sample = load_sample("nuclei")
    assert np.array_equal(np.load(tmp_path / "refined.npy"), refine_labels(sample.image, sample.coarse))


def test_the_installed_command_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    command = installed.with_name("napari-coarse-crf.exe" if os.name == "nt" else "napari-coarse-crf")
    run(command, "demo", "--out", tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(SAMPLE_NAMES)


def test_npe2_finds_the_manifest_of_the_installed_wheel(installed: Path) -> None:
    code = (
        "import json, warnings; warnings.simplefilter('ignore')\n"
        "from npe2 import PluginManifest\n"
        "manifest = PluginManifest.from_distribution('napari-coarse-crf')\n"
        "print(json.dumps([manifest.name, [widget.display_name for widget in manifest.contributions.widgets]]))"
    )
    assert json.loads(run(installed, "-c", code).splitlines()[-1]) == [
        "napari-coarse-crf",
        ["Refine labels", "Annotate a series"],
    ]


def test_importing_the_package_loads_neither_numpy_nor_numba() -> None:
    code = "import napari_coarse_crf, sys; print('numpy' in sys.modules, 'numba' in sys.modules)"
    assert run(sys.executable, "-c", code).split() == ["False", "False"]


@pytest.mark.parametrize("names", ["*", "refine_labels, Refiner, Parameters, evaluate_labels"])
def test_the_core_imports_neither_napari_nor_qt(names: str) -> None:
    code = (
        f"from napari_coarse_crf import {names}\n"
        "import napari_coarse_crf.cli, sys\n"
        "print(sorted({'napari', 'qtpy', 'magicgui', 'superqt', 'PyQt6', 'PySide6'} & set(sys.modules)))\n"
        "assert 'napari_coarse_crf.refiner' in sys.modules"
    )
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_every_public_name_is_found_and_listed() -> None:
    import napari_coarse_crf

    assert napari_coarse_crf.__all__ == sorted(napari_coarse_crf.__all__)
    for name in napari_coarse_crf.__all__:
        assert getattr(napari_coarse_crf, name).__module__.startswith("napari_coarse_crf.")
        assert name in dir(napari_coarse_crf)
    with pytest.raises(AttributeError, match="has no attribute 'refine_everything'"):
        napari_coarse_crf.refine_everything  # noqa: B018  # looking is the test
