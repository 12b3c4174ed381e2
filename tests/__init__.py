"""The tests. They mirror the packages; `tiny.py` makes a tiny real model."""

from assistant.settings import wait_briefly

wait_briefly()  # before any test imports torch
