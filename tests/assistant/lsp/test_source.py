"""What the language server asks of the service is what the service, and its fake, offer."""

import inspect

import pytest

from assistant.lsp.source import CompletionSource
from completion.service import CompletionService
from tests.fakes import ScriptedSource

METHODS = ["status", "changed", "complete", "forget"]


@pytest.mark.parametrize("kind", [CompletionService, ScriptedSource])
@pytest.mark.parametrize("name", METHODS)
def test_methods_agree_in_parameters_and_kind(kind, name):
    asked, offered = getattr(CompletionSource, name), getattr(kind, name)
    assert list(inspect.signature(offered).parameters) == list(inspect.signature(asked).parameters)
    assert inspect.iscoroutinefunction(offered) == inspect.iscoroutinefunction(asked)


def test_every_method_is_compared():
    assert [name for name in vars(CompletionSource) if not name.startswith("_")] == METHODS
