"""Worked examples for models that were never taught to talk: what is asked, and a good answer to it. Pure.

They are asked in the words of ``prompting.question``. What they speak of is nobody's code, so that a name
out of them in a summary would be seen.
"""

from types import MappingProxyType

from completion.summaries.levels import Level

_BELL = """The function ring_bell:
```python
def ring_bell(tower, times):
    for _ in range(times):
        tower.strike()
    return tower.hour
```

Summarise the function ring_bell in one sentence: what it does.

Summary: Strikes the bell of a tower several times and returns the tower's hour."""

_OWLS = """The function countOwls:
```typescript
function countOwls(nests: Nest[]): number {
  return nests.filter((nest) => nest.bird === "owl").length;
}
```

Summarise the function countOwls in one sentence: what it does.

Summary: Counts the nests in which an owl lives."""

_TOWER = """The class Tower:
```python
class Tower:
    def __init__(self, hour): ...
    def strike(self): ...
    def wind_up(self): ...
```

Summarise the class Tower in two sentences: what it is for, and what it can do.

Summary: A bell tower that knows its hour. It strikes the bell, and its clock can be wound up."""

_FILE = """It imports:
bells/tower.py

The file bells/concert.py:
```python
def ring_bell(tower, times): ...
def ring_all(towers): ...
```

Summarise the file bells/concert.py in two or three sentences: what it is for.

Summary: Lets the bells of towers ring. It rings one tower several times, or all of them together."""

_REPOSITORY = """bells/tower.py:
A bell tower that knows its hour.

bells/concert.py:
Lets the bells of towers ring.

Summarise bells in one paragraph: what it is for, and its main parts.

Summary: Rings the bells of towers. `bells/tower.py` holds the towers; `bells/concert.py` lets them ring."""

SHOTS = MappingProxyType(
    {
        Level.FUNCTION: (_BELL, _OWLS),
        Level.CLASS: (_BELL, _TOWER),
        Level.FILE: (_TOWER, _FILE),
        Level.REPOSITORY: (_FILE, _REPOSITORY),
    }
)
