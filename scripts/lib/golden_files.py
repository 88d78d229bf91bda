#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names the files below SHARED that the tests need (the covered goldens, their inputs, the real sequence): golden_files.py SHARED COVERED.TXT"""
import json
import os
import re
import sys

shared, covered = sys.argv[1:]
with open(covered) as lines:
    names = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
with open(os.path.join(shared, "goldens", "manifest.json")) as file:
    manifest = json.load(file)

files = {"goldens/manifest.json"}
entries = manifest["entries"]
cases = entries if isinstance(entries, list) else [dict(value, name=key) for key, value in entries.items()]
for entry in cases:
    if entry["name"] not in names:
        continue
    # Goldens and inputs are named relative to goldens/ and to the shared folder.
    for word in re.findall(r"[\w./+-]+\.fits(?:\.gz)?", json.dumps(entry)):
        files |= {path for path in (word, f"goldens/{word}") if os.path.isfile(os.path.join(shared, path))}
    if "sim_psf(" in json.dumps(entry):  # tests/golden/manifest.cpp makes it of this one
        files.add("data/synthetic_ifs/psfn.fits")
# Some inputs are named in words ("cube_even100[...]"), and the tests read the real sequence by themselves.
spoken = json.dumps([entry for entry in cases if entry["name"] in names])
for name in os.listdir(os.path.join(shared, "data", "naco_betapic")):
    stem = name.removesuffix(".fits")
    if stem in ("cube", "cube_cen", "angles", "psf") or re.search(rf"\b{re.escape(stem)}\b", spoken):
        files.add(f"data/naco_betapic/{name}")
print("\n".join(sorted(files)))
