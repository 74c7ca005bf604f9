"""The pytest plugin, as a project uses it that knows nothing of us: in test runs of their own."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

_STORY = """
async def test_a_post_reaches_a_follower(world):
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    assert ben.sees(post)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with pytest and us, and no other plugin."""
    pytester.makeini("[pytest]\naddopts = -p no:asyncio -p no:randomly -p no:cacheprovider\n")
    return pytester


def test_a_story_is_a_test(project: pytest.Pytester) -> None:
    project.makepyfile(_STORY)
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_story_runs_beside_another_plugin_for_coroutine_tests(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(_STORY + "\nasync def test_theirs():\n    import asyncio\n    await asyncio.sleep(0)\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_coroutine_fixtures_live_in_the_world_too(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        ended = []

        @pytest.fixture
        async def alice(world):
            return await world.person("alice@alpha")

        @pytest.fixture
        async def post(world, alice):
            yield await alice.posts("hello")
            ended.append(world.now)

        class TestClass:
            async def test_what_was_said_is_seen(self, world, alice, post, clock, nodes, people):
                assert alice.sees(post)
                assert list(nodes) == ["alpha.test"]
                [ben] = await people("ben@beta")
                assert not ben.sees(post)
                before = clock.now()
                await world.wait(days=1)
                assert (clock.now() - before).days == 1

        def test_the_fixture_was_ended():
            assert len(ended) == 1
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_each_seed_is_a_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        async def test_a(world):
            await world.node("alpha")

        @pytest.mark.lab(seeds=2)
        async def test_b(world, lab_seed):
            assert world.seed == lab_seed

        def test_c():
            pass
        """
    )
    result = project.runpytest_subprocess("--lab-seeds", "3", "-v")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["*test_a[[]seed0]*", "*test_a[[]seed2]*", "*test_b[[]seed2]*", "*test_c *"])
    project.runpytest_subprocess().assert_outcomes(passed=4)
    project.runpytest_subprocess("--lab-seed", "17").assert_outcomes(passed=3)


def test_a_failure_tells_its_seed_and_what_passed(project: pytest.Pytester) -> None:
    project.makepyfile(_STORY.replace("assert ben.sees(post)", 'assert ben.sees("something else")'))
    result = project.runpytest_subprocess("--lab-seed", "5", "--lab-out", "kept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*--lab-seed 5",
            "*beta.test → alpha.test POST /inbox Follow: 202",
            "*alpha.test → beta.test POST /inbox Create: 202",
            "all of them: kept*.html",
        ]
    )
    [kept] = (project.path / "kept").glob("*.jsonl")
    assert b"Follow" in kept.read_bytes()
    [page] = (project.path / "kept").glob("*.html")
    assert "<html" in page.read_text()


_BROKEN = """
import pytest
from fediverse_node.storage.apply import reactions

@pytest.fixture(autouse=True)
def likes_are_not_counted(monkeypatch):
    def nothing(*args):
        return
        yield
    monkeypatch.setattr(reactions, "count_objects", nothing)

MARK
async def test_a_like_is_liked(world):
    alice, ben = await world.people("alice@alpha", "ben@alpha")
    await ben.likes(await alice.posts("hello"))
"""


def test_what_must_always_hold_is_looked_at_after_each_story(project: pytest.Pytester) -> None:
    project.makepyfile(_BROKEN.replace("MARK", ""))
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Broken: counts: *likes_count*", "*seed 0, step *"])
    project.makepyfile(_BROKEN.replace("MARK", "@pytest.mark.lab(check=False)"))
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_scenario_files_are_tests(project: pytest.Pytester) -> None:
    story = 'ben@beta follows alice@alpha\nquiet\nalice@alpha posts "hello" as p1\nquiet\nexpect ben@beta sees p1\n'
    (project.path / "good.scenario").write_text(story)
    (project.path / "bad.scenario").write_text(story.replace("ben@beta follows", "cleo@beta follows"))
    (project.path / "unreadable.scenario").write_text(story.replace("follows", "folows"))
    result = project.runpytest_subprocess("-v")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*good.scenario::good PASSED*", "*in step 5: expect ben@beta sees p1*", "*folows*"])


def test_a_test_run_without_worlds_loads_nothing_of_the_server(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "fediverse_node.lab.pytest_plugin" in sys.modules
            assert "fediverse_node.app" not in sys.modules
            assert "sqlalchemy" not in sys.modules
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)
