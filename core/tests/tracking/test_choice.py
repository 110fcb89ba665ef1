"""`--track`, `[track]` and `--set track.*`: how a tracker is picked."""

import pytest

from traits_core.config.run_config import resolve_source, resolve_track
from traits_core.errors import ConfigError
from traits_core.registry.loader import load_registry


@pytest.fixture(scope="module")
def registry():
    return load_registry(found=())


def test_nobody_watches_unless_asked(registry):
    assert resolve_track({"method": {"name": "kmeans"}}, registry) is None


def test_wandb_is_offline_unless_asked_otherwise(registry):
    choice = resolve_track({"track": {"name": "wandb", "tags": "a,b"}}, registry)
    assert choice.spec.name == "wandb"
    assert choice.options.mode == "offline"
    assert choice.options.tags == ("a", "b")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "wandbb"}, "no tracker named 'wandbb'. Did you mean 'wandb'"),
        ({"project": "x"}, "--track is required. Installed: wandb"),
        ({"name": "wandb", "mode": "on"}, "--track.mode: 'on' is not allowed"),
        ({"name": "wandb", "projct": "x"}, "no option --track.projct. Did you mean"),
    ],
)
def test_a_mistake_is_one_line(registry, section, message):
    with pytest.raises(ConfigError) as error:
        resolve_track({"track": section}, registry)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_commands_without_tracking_accept_a_file_that_has_it(registry):
    with pytest.raises(ConfigError) as error:
        resolve_source({"track": {"name": "wandb"}}, registry)
    assert str(error.value).startswith("--dataset is required")
