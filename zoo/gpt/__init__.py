"""The torch room: the transformer and its trainer. Knows no home and no registry."""

import os

# OpenMP reads this when torch is loaded. Threads that wait by spinning slow a training down several times as soon as
# anything else runs on the machine, and gain nothing when nothing does (docs/log.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
