#!/usr/bin/python3
"""gather.py OUT NAME=FOLDER[,ctest options]...: one list of tests out of those of several build folders.

Writes OUT/CTestTestfile.cmake, so that one ctest runs everything and its one summary counts everything. Tests are
called NAME/test. What elsewhere would skip a test is a failure here, and a test that was not built ends this at once.
"""
import json
import os
import subprocess
import sys

NAMES_OF_TESTS = ("DEPENDS", "FIXTURES_SETUP", "FIXTURES_REQUIRED", "FIXTURES_CLEANUP")
SILENT = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION", "DISABLED")


def quoted(value):
    return f"[==[{value}]==]"


def words(value):
    return "1" if value is True else "0" if value is False else str(value)


def lines_of(build, folder, options):
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1", *options],
                             check=True, capture_output=True, text=True).stdout
    for test in json.loads(listing)["tests"]:
        name = f"{build}/{test['name']}"
        if not os.access(test.get("command", [""])[0], os.X_OK):
            sys.exit(f"{name} was not built")
        yield f"add_test({quoted(name)} {' '.join(map(quoted, test['command']))})\n"
        for row in test["properties"]:
            key, value = row["name"], row["value"]
            if key.startswith("_") or key in SILENT:
                continue
            values = value if isinstance(value, list) else [value]
            if key in NAMES_OF_TESTS:
                values = [f"{build}/{other}" for other in values]
            yield f"set_tests_properties({quoted(name)} PROPERTIES {key} {quoted(';'.join(map(words, values)))})\n"


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    with open(os.path.join(sys.argv[1], "CTestTestfile.cmake"), "w", encoding="utf-8") as file:
        for build in sys.argv[2:]:
            name, where = build.split("=", 1)
            folder, *options = where.split(",")
            file.writelines(lines_of(name, folder, options))


if __name__ == "__main__":
    main()
