"""Runs: plan, frozen spec, worker, commit. One run is one training."""
