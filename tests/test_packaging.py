"""What is installed: the wheel holds everything, and works from an empty directory."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def tracked(*patterns: str) -> list[str]:
    """Files that git knows or would add, relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def starters() -> list[str]:
    """The names of the starter models."""
    return sorted({Path(name).parts[1] for name in tracked("models/*/*")})


def test_the_package_list_is_the_folders_that_hold_python():
    folders = {"zoo": "zoo", "plugins": "zoo_plugins", "models": "zoo_starters"}
    found = set()
    for folder, package in folders.items():
        for path in (REPOSITORY / folder).rglob("*.py"):
            found.add(".".join([package, *path.parent.relative_to(REPOSITORY / folder).parts]))
    assert sorted(SETUPTOOLS["packages"]) == sorted(found)
    assert SETUPTOOLS["package-dir"] == {package: folder for folder, package in folders.items()}
    for package in found:
        head, *rest = package.split(".")
        assert REPOSITORY.joinpath(SETUPTOOLS["package-dir"][head], *rest, "__init__.py").is_file(), package


def test_the_package_data_names_every_starter():
    files = SETUPTOOLS["package-data"]["zoo_starters"]
    named = {name.partition("/")[0] for name in files}
    assert set(starters()) == named
    needed = ("model.toml", "run.toml", "log.jsonl", "vocab.json", "weights.safetensors")
    assert sorted(files) == sorted(f"{name}/{file}" for name in named for file in needed)
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"!/models/{name}/" for name in named} <= set(ignored)


def test_every_entry_point_of_our_group_exists():
    entries = PROJECT["project"]["entry-points"]["zoo"]
    assert {f"zoo_plugins.{path.stem}" for path in (REPOSITORY / "plugins").glob("[!_]*.py")} == set(entries.values())


def run(*command: str | Path, cwd: Path, stdin: str = "", **environment: str) -> str:
    """The output of a command that must succeed, in a clean environment."""
    keep = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**keep, **environment}, input=stdin, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the repository, so that this one stays clean."""
    place = tmp_path_factory.mktemp("wheel")
    return build(place, "--wheel")


def build(place: Path, kind: str, **environment: str) -> Path:
    """What `python -m build` makes of a copy of the repository in an empty place."""
    for name in tracked():
        target = place / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, target)
    run(
        sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", place / "dist", place / "source",
        cwd=place, **environment,
    )  # fmt: skip
    (built,) = (place / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment in which the wheel is installed, and an empty directory beside it."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "env", with_pip=False, system_site_packages=False, symlinks=True)
    python = place / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip())
    outer = sysconfig.get_path("purelib")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=place)
    # what zoo needs comes from here, but without this environment's own, editable zoo, which its .pth files bring
    (site / "outer.pth").write_text(f"{outer}\n", encoding="utf-8")
    (place / "empty").mkdir()
    return python.parent


@pytest.mark.slow
def test_the_package_of_the_tutorial_is_installed_fetched_trained_on_and_tested(installed, tmp_path):
    python, zoo = installed / "python", installed / ("zoo.exe" if os.name == "nt" else "zoo")
    shutil.copytree(REPOSITORY / "docs" / "zoo-stdlib", tmp_path / "zoo-stdlib")
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--no-build-isolation",
        tmp_path / "zoo-stdlib", cwd=tmp_path,
    )  # fmt: skip
    environment = {
        "HOME": str(tmp_path),
        "ZOO_HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
    assert "stdlib" in run(zoo, "plugins", cwd=tmp_path, **environment)
    run(zoo, "fetch", "stdlib", cwd=tmp_path, **environment)
    assert "PSF-2.0" in run(zoo, "datasets", "stdlib", cwd=tmp_path, **environment)
    settings = ["max_steps=2", "n_layer=1", "n_embd=16", "n_head=2", "block_size=16", "batch_size=2"]
    options = [word for setting in settings for word in ("--set", setting)]
    run(zoo, "train", "-d", "stdlib", *options, cwd=tmp_path, **environment)
    assert "stdlib-nano" in run(zoo, "list", "-q", cwd=tmp_path, **environment)
    told = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path / "zoo-stdlib", **environment)
    assert "1 passed" in told


@pytest.mark.slow
def test_the_wheel_holds_all_that_is_needed(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {"zoo/presets.toml", "zoo/py.typed", "zoo_starters/__init__.py"}
    expected |= {name for name in tracked("zoo/*") if name.endswith(".py")}
    expected |= {f"zoo_plugins/{Path(name).name}" for name in tracked("plugins/*.py")}
    expected |= {f"zoo_starters/{Path(name).relative_to('models').as_posix()}" for name in tracked("models/*/*")}
    assert expected <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "bench/", "plugins/", "models/"))]
    assert any(name.startswith("zoo_starters/shakespeare-") and name.endswith("weights.safetensors") for name in names)
    for name in starters():
        for file in ("weights.safetensors", "vocab.json", "model.toml"):
            assert f"zoo_starters/{name}/{file}" in names


@pytest.mark.slow
def test_the_wheel_has_the_native_engine_for_every_python(wheel):
    assert [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("zoo/engine/_native.abi3")]
    assert "-cp311-abi3-" in wheel.name


def test_the_compiler_has_nothing_to_say_about_the_native_engine():
    include = f"-I{sysconfig.get_paths()['include']}"
    words = ["cc", "-fsyntax-only", "-O3", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", include]
    run(*words, REPOSITORY / "zoo" / "engine" / "native.c", cwd=REPOSITORY)


@pytest.mark.slow
def test_without_a_compiler_there_is_a_wheel_that_talks_too(tmp_path):
    wheel = build(tmp_path, "--wheel", CC="false", CXX="false")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith((".so", ".pyd"))]
        archive.extractall(tmp_path / "site")
    code = "import zoo; voice = zoo.load('shakespeare-nano'); print(type(voice.engine).__name__, voice.generate())"
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "site")}
    (tmp_path / "empty").mkdir()
    assert run(sys.executable, "-c", code, cwd=tmp_path / "empty", **environment).startswith("NumpyEngine ")


@pytest.mark.slow
def test_the_source_distribution_has_what_the_native_engine_is_made_of(tmp_path):
    with tarfile.open(build(tmp_path, "--sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"zoo/engine/native.c", "zoo/engine/product.h", "zoo/presets.toml", "pyproject.toml"} <= names


@pytest.mark.slow
def test_the_installed_zoo_talks_from_an_empty_directory(installed, tmp_path):
    zoo = installed / ("zoo.exe" if os.name == "nt" else "zoo")
    environment = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    where = Path(
        run(installed / "python", "-c", "import zoo; print(zoo.__file__)", cwd=tmp_path, **environment).strip()
    )
    assert installed.parent in where.parents
    assert "shakespeare-nano" in run(zoo, "list", cwd=tmp_path, **environment)
    reply = run(zoo, "chat", "--max-new", "40", cwd=tmp_path, stdin="ROMEO:\n", **environment)
    assert len(reply) == 41
    text = run(zoo, "generate", "shakespeare", "ROMEO:", "--max-new", "40", "--seed", "1", cwd=tmp_path, **environment)
    assert len(text) == 41
    assert "starter" in run(zoo, "list", cwd=tmp_path, **environment)
    assert list(tmp_path.iterdir()) == []  # those who only read make no home
    assert "shakespeare" in run(zoo, "plugins", cwd=tmp_path, **environment)
    assert "nano" in run(zoo, "presets", cwd=tmp_path, **environment)
