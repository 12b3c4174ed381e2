"""What the server says about itself."""

import json

from assistant.web.stats import Stats
from completion.records import EngineState, ServiceStatus

STATUS = ServiceStatus(EngineState.READY, "Ready.", model="m", cached_tokens=3)


def test_health_tells_state_and_version_only():
    assert set(Stats().health(STATUS)) == {"state", "version"}


def test_the_full_status():
    now = [10.0]
    stats = Stats(clock=lambda: now[0])
    stats.count("completed")
    stats.count("completed")
    stats.count("accepted")
    now[0] = 12.5
    told = json.loads(json.dumps(stats.full(STATUS)))
    assert told["events"] == {"completed": 2, "accepted": 1}
    assert told["uptimeSeconds"] == 2.5
    assert (told["state"], told["model"], told["cachedTokens"]) == ("ready", "m", 3)
    assert told["cache"] == "unknown until the model is loaded"
