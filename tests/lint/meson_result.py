"""Turns meson's testlog.json into FAIL lines and one closing line."""
import json
import sys
from pathlib import Path

log = Path(sys.argv[1]) / "meson-logs" / "testlog.json"
counts = {"OK": 0, "SKIP": 0}
failed = 0
for line in log.read_text().splitlines():
    row = json.loads(line)
    if row["result"] in counts:
        counts[row["result"]] += 1
        if row["result"] == "SKIP":
            print(f"SKIP {row['name']}: {row.get('stdout', '').strip()[-200:]}")
        continue
    failed += 1
    print(f"FAIL {row['name']} ({row['result']})")
    print((row.get("stdout", "") + row.get("stderr", ""))[-4000:])
print(f"{counts['OK']} passed, {failed} failed, {counts['SKIP']} skipped")
