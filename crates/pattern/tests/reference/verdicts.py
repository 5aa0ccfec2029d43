"""Gives the reference matcher's verdicts.

Reads cases from standard input, one JSON object a line: {"version": "2.0" or "2.1", "pattern": text, "observations":
list}. Writes one JSON object a line: {"parses": bool, "verdict": "match", "no match" or "error", "why": text}. For
"2.1" the observations are bundles.
"""

import json
import re
import signal
import sys
import types

from stix2matcher.matcher import Pattern
from stix2patterns.exceptions import ParseException
from stix2patterns.grammars.STIXPatternParser import STIXPatternParser
from stix2patterns.v20.grammars.STIXPatternParser import STIXPatternParser as STIXPatternParser20

SECONDS_PER_CASE = 10


class OutOfTime(Exception):
    """The reference took too long."""


def ring(_signal, _frame):
    raise OutOfTime("out of time")


def mend_start_stop():
    """Lets the matcher have START and STOP of STIX 2.0 again.

    They take strings there. From stix2-patterns 2.1 on, the grammar of 2.0 takes timestamps instead, while the matcher
    still asks for strings: without this, the matcher's own tests for STIX 2.0 fail. True where mending was needed.
    """
    context = STIXPatternParser20.StartStopQualifierContext
    if hasattr(context, "StringLiteral"):
        return False

    def string_literal(self, index):
        text = self.TimestampLiteral(index).getText()
        symbol = types.SimpleNamespace(type=STIXPatternParser.StringLiteral)
        return types.SimpleNamespace(getSymbol=lambda: symbol, getText=lambda: text[1:])

    context.StringLiteral = string_literal
    return True


MENDED = mend_start_stop()


def verdict(case):
    text = case["pattern"]
    if MENDED and case["version"] == "2.0":
        text = re.sub(r"\b(START|STOP) '", r"\1 t'", text)
    try:
        pattern = Pattern(text, case["version"])
    except ParseException as error:
        return {"parses": False, "verdict": "error", "why": f"ParseException: {error}"}
    try:
        matched = pattern.match(case["observations"])
    except Exception as error:
        return {"parses": True, "verdict": "error", "why": f"{type(error).__name__}: {error}"}
    return {"parses": True, "verdict": "match" if matched else "no match", "why": ""}


def main():
    signal.signal(signal.SIGALRM, ring)
    for line in sys.stdin:
        signal.alarm(SECONDS_PER_CASE)
        try:
            answer = verdict(json.loads(line))
        except OutOfTime:
            answer = {"parses": True, "verdict": "error", "why": "OutOfTime"}
        signal.alarm(0)
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
