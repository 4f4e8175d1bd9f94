"""The torch room: the transformer and its trainer. Knows no home and no registry."""

import os

from zoo import locks

# OpenMP reads these when torch is loaded. Threads that wait by spinning slow a training down tens of times as soon as
# anything else runs on the machine; threads that sleep at once make it half as slow again when nothing does. So they
# spin for some microseconds, which a step is full of, and then sleep (docs/log.md).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# torch would read the metadata of every installed package, fail if any is damaged, and run the code of those that
# bring a device. zoo trains on cpu, cuda and mps, which torch has itself.
os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")

# torch's modules catch what the handler of a signal raises while they are imported, and the signal would be lost.
with locks.undisturbed():
    import torch  # noqa: F401
