#!/usr/bin/python3
"""gather.py OUT NAME=FOLDER[,ctest options]...: one list of tests out of those of several build folders.

Writes OUT/CTestTestfile.cmake, so that one ctest runs everything and its one summary counts everything. Tests are
called NAME/test. A test that could be skipped without a failure is refused here, before anything runs.
"""
import json
import os
import subprocess
import sys

NAMES = ("DEPENDS", "FIXTURES_SETUP", "FIXTURES_REQUIRED", "FIXTURES_CLEANUP", "RESOURCE_LOCK")
SILENT = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION", "DISABLED")
IGNORED = ("_BACKTRACE_TRIPLES",)


def quoted(text):
    return "[==[" + str(text) + "]==]"


def lines_of(build, folder, options, slower):
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1", *options],
                             check=True, capture_output=True, text=True).stdout
    for test in json.loads(listing)["tests"]:
        name = f"{build}/{test['name']}"
        if not test.get("command"):
            sys.exit(f"{name} was not built")
        yield f"add_test({quoted(name)} {' '.join(map(quoted, test['command']))})\n"
        for row in test.get("properties", []):
            key, value = row["name"], row["value"]
            if key in SILENT:
                sys.exit(f"{name} may be skipped without anybody hearing of it ({key})")
            if key in IGNORED:
                continue
            values = value if isinstance(value, list) else [value]
            if key in NAMES:
                values = [f"{build}/{other}" for other in values]
            if key == "TIMEOUT":
                values = [values[0] * slower]
            value = ";".join("1" if v is True else "0" if v is False else str(v) for v in values)
            yield f"set_tests_properties({quoted(name)} PROPERTIES {key} {quoted(value)})\n"


def main():
    out, slower = sys.argv[1], 60 if os.environ.get("SWITCHBOARD_LONG") else 1
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "CTestTestfile.cmake"), "w", encoding="utf-8") as file:
        for build in sys.argv[2:]:
            name, where = build.split("=", 1)
            folder, *options = where.split(",")
            file.writelines(lines_of(name, folder, options, slower))


if __name__ == "__main__":
    main()
