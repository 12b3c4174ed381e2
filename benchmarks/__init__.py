"""Measurements of the running product: ``python -m benchmarks NAME``, one table each.

Every benchmark measures its baseline in the same run. ``LOG.md`` keeps what was found.
"""

from assistant.settings import wait_briefly

wait_briefly()
