"""``splice doctor``: the report as lines, as JSON, and as an exit code."""

import json


def report(home, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = home.run("doctor", "--json", *arguments)
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["ok"] == (result.returncode == 0)
    return result.returncode, {check["name"]: check for check in found["checks"]}


def test_everything_is_ok_beside_a_running_server(shared):
    code, checks = report(shared.home)
    assert code == 0
    assert "model ready" in checks["server"]["said"]
    assert checks["token file"]["said"].endswith("mode 600")
    assert checks["model"]["said"].endswith(str(shared.home.model))
    assert "<|fim_prefix|>" in checks["FIM tokens"]["said"]
    assert checks["cache"]["said"] == "follows edits"
    assert not [check for check in checks.values() if check["verdict"] != "ok" and not check["advice"]]


def test_what_is_broken_says_what_to_do(home):
    code, checks = report(home, "--model", "no-such-model")
    assert code == 1
    assert checks["model"]["verdict"] == checks["FIM tokens"]["verdict"] == "broken"
    assert "no-such-model" in checks["model"]["said"]
    assert checks["model"]["advice"]
    assert checks["server"]["said"].startswith("none is running")


def test_lines_and_a_new_login_link(shared):
    result = shared.home.run("doctor")
    assert result.returncode == 0
    assert result.stdout.splitlines()[0].startswith("ok     version     Splice ")
    address = shared.line_with("listens on").rpartition(" ")[2]
    assert f"Playground: {address}/login?code=" in result.stdout
