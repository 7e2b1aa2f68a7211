"""Law: settings come from arguments, environment and milepost.toml, in that order; loading makes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from milepost.settings import INITIAL_TOML, Settings
from milepost.store.errors import PolicyError, UsageError
from milepost.store.policy import Policy


def home(tmp_path: Path, toml: str | None = None) -> Path:
    """A home with a milepost.toml."""
    if toml is not None:
        (tmp_path / "milepost.toml").write_text(toml, "utf-8")
    return tmp_path


def test_nothing_configured_is_the_default(tmp_path: Path) -> None:
    """Without any source: policy none, wordllama, no model, tenant default; and no home is made."""
    settings = Settings.load(tmp_path / "kb-home", env={})
    assert settings.resolved.policy == Policy()
    assert (settings.embedder, settings.tenant, settings.model.configured) == ("wordllama", "default", False)
    assert settings.config is None and not (tmp_path / "kb-home").exists()


def test_the_home_is_the_arguments_then_the_environments(tmp_path: Path) -> None:
    """--home is stronger than MILEPOST_HOME, and without both it is .milepost."""
    env = {"MILEPOST_HOME": str(tmp_path)}
    assert Settings.load("other", env=env).home == Path("other")
    assert Settings.load(env=env).home == tmp_path
    assert Settings.load(env={}).home == Path(".milepost")


def test_sources_in_order(tmp_path: Path) -> None:
    """Arguments over environment over milepost.toml, with where each value came from."""
    place = home(
        tmp_path,
        'policy = "rollback"\nembedder = "fake:8"\nmodel = "m1"\n[set]\nchunk.size = 500\nprove = "all"\n',
    )
    env = {
        "MILEPOST_CHUNK__SIZE": "600",
        "MILEPOST_ENABLE_FORWARD_DOCS": "true",
        "MILEPOST_RETENTION__DAYS": "none",
        "MILEPOST_MODEL": "m2",
    }
    settings = Settings.load(place, "full", ["approval=never", "chunk.size=700"], env=env)
    policy, origins = settings.resolved.policy, settings.resolved.origins
    assert (policy.chunk.size, policy.approval, policy.prove, policy.retention.days) == (
        700,
        "never",
        "all",
        None,
    )
    assert origins["chunk.size"] == origins["approval"] == "arguments"
    assert origins["retention.days"] == "environment"
    assert origins["prove"] == "milepost.toml" and origins["enable_rollback"] == "preset full"
    assert settings.embedder == "fake:8" and settings.model.name == "m2" and settings.config is not None


def test_a_preset_from_each_source(tmp_path: Path) -> None:
    """MILEPOST_POLICY is over milepost.toml and under --policy; each takes a file too."""
    place = home(tmp_path, 'policy = "rollback"\n')
    strict = tmp_path / "strict.toml"
    strict.write_text('policy = "documentation"\nprove = "all"\n')
    assert Settings.load(place, env={}).resolved.policy == Policy.rollback()
    env = {"MILEPOST_POLICY": "documentation"}
    assert Settings.load(place, env=env).resolved.policy == Policy.documentation()
    assert Settings.load(place, "none", env=env).resolved.policy == Policy.none()
    assert Settings.load(place, str(strict), env=env).resolved.policy == Policy.documentation(prove="all")
    assert Settings.load(place, {"enable_planning": True}, env={}).resolved.policy == Policy.rollback(
        enable_planning=True
    )


def test_the_file_that_init_writes_is_the_rollback_preset(tmp_path: Path) -> None:
    """What init writes can be read, and opts in to rollback and nothing else."""
    assert Settings.load(home(tmp_path, INITIAL_TOML), env={}).resolved.policy == Policy.rollback()


def test_the_embedder_comes_from_any_source(tmp_path: Path) -> None:
    """--set embedder, the argument, MILEPOST_EMBEDDER and the file, strongest first."""
    place = home(tmp_path, 'embedder = "fake:1"\n')
    env = {"MILEPOST_EMBEDDER": "fake:2"}
    assert Settings.load(place, env={}).embedder == "fake:1"
    assert Settings.load(place, env=env).embedder == "fake:2"
    assert Settings.load(place, sets=["embedder=fake:3"], env=env).embedder == "fake:3"
    assert Settings.load(place, embedder="fake:4", env=env).embedder == "fake:4"


def test_the_key_is_a_secret(tmp_path: Path) -> None:
    """The model's key is trimmed, usable, and in no text that settings give of themselves."""
    env = {
        "OPENAI_API_KEY": " sk-123\n",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "MILEPOST_MODEL": "tiny",
    }
    model = Settings.load(tmp_path, env=env).model
    assert model.configured and model.api_key is not None and model.api_key.get_secret_value() == "sk-123"
    assert "sk-123" not in f"{Settings.load(tmp_path, env=env)!r} {model}"
    assert not Settings.load(tmp_path, env={"OPENAI_API_KEY": "sk-123"}).model.configured
    assert Settings.load(tmp_path, env={"OPENAI_API_KEY": "  "}).model.api_key is None


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("MILEPOST_ENABLE_ROLBACK", "MILEPOST_ENABLE_ROLLBACK"),
        ("MILEPOST_CHUNK_SIZE", "MILEPOST_CHUNK__SIZE"),
        ("MILEPOST_EMBEDER", "MILEPOST_EMBEDDER"),
    ],
)
def test_a_misspelt_variable_is_refused(tmp_path: Path, variable: str, message: str) -> None:
    """A variable that is nearly one of ours is not passed over in silence."""
    with pytest.raises(PolicyError, match=f"did you mean {message}"):
        Settings.load(tmp_path, env={variable: "true"})


def test_other_variables_are_somebody_elses(tmp_path: Path) -> None:
    """Unknown variables, also with our prefix, and empty ones, change nothing."""
    env = {
        "MILEPOST_SHARED_DATA": "x",
        "MILEPOST_ENABLE_ROLLBACK": "",
        "ENABLE_ROLLBACK": "true",
        "PATH": "/bin",
    }
    assert Settings.load(tmp_path, env=env).resolved.policy == Policy()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"MILEPOST_CHUNK__SIZE": "big"}, "environment, MILEPOST_CHUNK__SIZE"),
        (
            {"MILEPOST_ENABLE_ROLLBACK": "false", "MILEPOST_ORCHESTRATION": "saga"},
            "environment contradicts itself",
        ),
    ],
)
def test_a_bad_value_names_its_variable(tmp_path: Path, env: dict[str, str], message: str) -> None:
    """The message names the variable, or the source that contradicts itself."""
    with pytest.raises(PolicyError, match=message):
        Settings.load(tmp_path, env=env)


@pytest.mark.parametrize(
    "toml",
    ["policy = ", "embedder = 3\n", "journey_types = 'x'\n", "journey_types = [1]\n", "[set]\nx = 1\n"],
)
def test_a_damaged_file_is_a_policy_error_that_names_it(tmp_path: Path, toml: str) -> None:
    """Whatever is wrong with milepost.toml, the message names the file."""
    with pytest.raises(PolicyError, match=r"milepost\.toml"):
        Settings.load(home(tmp_path, toml), env={})


def test_journey_types_are_named(tmp_path: Path) -> None:
    """Own journey types are carried as names; nothing is imported for them here."""
    place = home(tmp_path, 'journey_types = ["my.module:geo_load"]\n')
    assert Settings.load(place, env={}).journey_types == ("my.module:geo_load",)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 129, " padded"])
def test_a_user_has_a_name(tmp_path: Path, name: str) -> None:
    """A user or tenant that could not be shown or told apart is a usage error."""
    with pytest.raises(UsageError):
        Settings.load(tmp_path, user=name, env={})
    with pytest.raises(UsageError):
        Settings.load(tmp_path, tenant=name, env={})


def test_a_process_without_home_or_passwd_entry_has_a_user(tmp_path: Path) -> None:
    """In a container with any uid and no HOME, the user is a number and nothing fails."""
    code = (
        "import pwd\n"
        "def gone(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = gone\n"
        "from milepost.settings import Settings\n"
        "assert Settings.load().user.startswith('uid-'), Settings.load().user\n"
        "assert Settings.load(env={'USER': 'ada'}).user == 'ada'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30, env={"PATH": "/bin"}, cwd=tmp_path)


def test_the_import_is_light() -> None:
    """Help and `policy show` need settings: nothing heavy comes with them."""
    code = (
        "import sys, milepost.settings\n"
        "heavy = {'numpy', 'chromadb', 'langgraph', 'langchain_core', 'openai', 'sqlite3'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_fault_point_is_armed_from_the_environment(tmp_path: Path) -> None:
    """MILEPOST_FAULT="name:nth" kills the process at that point's nth time, however often one loads."""
    code = (
        "from milepost.settings import Settings\n"
        "from milepost.store.faults import faultpoint\n"
        "for _ in range(2):\n"
        "    Settings.load(); faultpoint('here'); print('alive', flush=True)\n"
    )
    env = {"PATH": "/bin", "MILEPOST_FAULT": "here:2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, env=env, cwd=tmp_path)
    assert done.returncode == -9 and done.stdout == b"alive\n"


@pytest.mark.parametrize("spec", ["here", "here:", "here:0", ":1", "here:x"])
def test_a_fault_that_is_none_is_a_usage_error(tmp_path: Path, spec: str) -> None:
    """A fault point that was mistyped must not pass a test in silence."""
    with pytest.raises(UsageError, match="MILEPOST_FAULT"):
        Settings.load(tmp_path, env={"MILEPOST_FAULT": spec})


def test_the_reference_pages_example_is_read(tmp_path: Path) -> None:
    """The milepost.toml of the configuration page has only keys that there are, and means what it says."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    toml = page.read_text("utf-8").partition("```toml")[2].partition("\n")[2].partition("```")[0]
    settings = Settings.load(home(tmp_path, toml), env={})
    assert settings.resolved.policy == Policy.rollback(
        chunk={"size": 800}, retention={"days": 90}, approval="destructive"
    )
    assert settings.model.configured and settings.embedder == "wordllama"
