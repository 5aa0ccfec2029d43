"""Prints the cases of stix2-matcher's own tests, as they lie in the installed package.

Each test is called with each of its parameters; whatever it gives to `match` is a case. One JSON object a line:
{"version", "pattern", "observations"}.
"""

import importlib
import itertools
import json
import pkgutil
import sys
import types

import stix2matcher.matcher

CASES = []


def parametrize(names, values):
    """Stands in for pytest's decorator: remembers the parameters on the function."""
    count = len(names.split(",")) if isinstance(names, str) else len(names)
    rows = [list(value) if count > 1 else [value] for value in values]

    def decorate(function):
        function.parameters = getattr(function, "parameters", []) + [rows]
        return function

    return decorate


class Raises:
    """Stands in for `pytest.raises`: any exception will do, and none too."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return True


def fake_pytest():
    module = types.ModuleType("pytest")
    module.mark = types.SimpleNamespace(parametrize=parametrize)
    module.raises = Raises
    module.fixture = lambda function: function
    return module


def record(pattern, observations, verbose=False, stix_version=stix2matcher.DEFAULT_VERSION):
    CASES.append(json.dumps({"version": stix_version, "pattern": pattern, "observations": observations}))
    return []


def main():
    sys.modules["pytest"] = fake_pytest()
    stix2matcher.matcher.match = record
    tests = importlib.import_module("stix2matcher.test")
    for info in pkgutil.walk_packages(tests.__path__, "stix2matcher.test."):
        module = importlib.import_module(info.name)
        for name, function in list(vars(module).items()):
            if not name.startswith("test_") or not callable(function):
                continue
            for row in itertools.product(*getattr(function, "parameters", [])):
                try:
                    function(*itertools.chain.from_iterable(row))
                except Exception:
                    pass  # What the test then asserts of the answer is not asked here.
    print("\n".join(dict.fromkeys(CASES)))


if __name__ == "__main__":
    main()
