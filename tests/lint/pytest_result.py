"""Turns pytest's output into its FAILED and SKIPPED lines and one closing line."""
import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(errors="replace")
for line in text.splitlines():
    if re.match(r"^(FAILED|ERROR|SKIPPED)\b", line):
        print(line.replace("SKIPPED", "SKIP", 1))
last = text.strip().splitlines()[-1] if text.strip() else ""


def number(word):
    found = re.search(rf"(\d+) {word}", last)
    return int(found.group(1)) if found else 0


failed = number("failed") + number("errors?")
if failed or not number("passed"):
    print(text[-6000:])
print(f"{number('passed')} passed, {failed or int(not number('passed'))} failed, {number('skipped')} skipped")
